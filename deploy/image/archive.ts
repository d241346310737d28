/**
 * An image as one tar that every engine loads: the layout of the OCI Image Specification 1.1, and beside it
 * `manifest.json`, which is what `docker load` reads. Layers are not compressed: what is loaded from a disk would be
 * unpacked at once, and a registry's client compresses for itself.
 */
import { createHash } from 'node:crypto';
import type { ImageConfig } from './dockerfile.ts';
import type { Entry } from './tar.ts';

export interface Layer {
  /** Hex SHA-256 of the layer's tar. */
  readonly digest: string;
  readonly bytes: number;
  /** Where that tar lies. */
  readonly source: string;
  /** The instruction that it is of. */
  readonly createdBy: string;
}

export interface ImageFacts {
  readonly config: ImageConfig;
  readonly layers: readonly Layer[];
  /** `amd64`, `arm64`. */
  readonly architecture: string;
  /** RFC 3339, whole seconds. */
  readonly created: string;
}

export interface Image {
  /** `sha256:…` of the configuration: what `docker image inspect` calls its Id. */
  readonly id: string;
  /** `sha256:…` of the manifest: what a registry that takes the layers as they are would call it. */
  readonly digest: string;
  /** Sum of the layers, uncompressed. */
  readonly bytes: number;
  /** The archive's files, for `tarOf`. */
  archive(tag: string): readonly Entry[];
}

const blobPath = (digest: string): string => `blobs/sha256/${digest}`;

export function imageOf({ config, layers, architecture, created }: ImageFacts): Image {
  const types = 'application/vnd.oci.image';
  const configuration = blobOf({
    created,
    architecture,
    os: 'linux',
    config,
    rootfs: { type: 'layers', diff_ids: layers.map(({ digest }) => `sha256:${digest}`) },
    history: layers.map(({ createdBy }) => ({ created, created_by: createdBy })),
  });
  const manifest = blobOf({
    schemaVersion: 2,
    mediaType: `${types}.manifest.v1+json`,
    config: { mediaType: `${types}.config.v1+json`, ...sizeOf(configuration) },
    layers: layers.map(({ digest, bytes }) => ({
      mediaType: `${types}.layer.v1.tar`,
      digest: `sha256:${digest}`,
      size: bytes,
    })),
  });
  const blobs = [configuration, manifest].map(({ digest, content }) => file(blobPath(digest), content));
  return {
    id: `sha256:${configuration.digest}`,
    digest: `sha256:${manifest.digest}`,
    bytes: layers.reduce((sum, { bytes }) => sum + bytes, 0),
    archive(tag) {
      const index = {
        schemaVersion: 2,
        mediaType: `${types}.index.v1+json`,
        manifests: [
          {
            mediaType: `${types}.manifest.v1+json`,
            ...sizeOf(manifest),
            platform: { architecture, os: 'linux' },
            annotations: {
              'org.opencontainers.image.ref.name': tag.slice(tag.lastIndexOf(':') + 1),
              'io.containerd.image.name': tag.includes('/') ? tag : `docker.io/library/${tag}`,
            },
          },
        ],
      };
      const forDocker = [
        {
          Config: blobPath(configuration.digest),
          RepoTags: [tag],
          Layers: layers.map(({ digest }) => blobPath(digest)),
        },
      ];
      return [
        ...blobs,
        ...layers.map(({ digest, bytes, source }) => ({
          ...file(blobPath(digest), new Uint8Array()),
          content: { source, bytes },
        })),
        file('oci-layout', Buffer.from('{"imageLayoutVersion":"1.0.0"}')),
        file('index.json', Buffer.from(JSON.stringify(index))),
        file('manifest.json', Buffer.from(JSON.stringify(forDocker))),
      ];
    },
  };
}

interface Blob {
  readonly digest: string;
  readonly content: Buffer;
}

function blobOf(value: unknown): Blob {
  const content = Buffer.from(JSON.stringify(value));
  return { digest: createHash('sha256').update(content).digest('hex'), content };
}

const sizeOf = ({ digest, content }: Blob): object => ({ digest: `sha256:${digest}`, size: content.byteLength });
const file = (path: string, content: Uint8Array): Entry => ({ path, kind: 'file', mode: 0o644, content });
