/**
 * What makes one version another: the model's file, its settings as they were written, and the files that they name.
 * Defaults are no part of it, so that a default that changes later does not change what is there.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { canonicalJson } from '../config/canonical-json.ts';

const digestPattern = /^sha256:[0-9a-f]{64}$/;

export function isDigest(value: string): boolean {
  return digestPattern.test(value);
}

export function digestOfBytes(bytes: Uint8Array | string): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

export async function digestOfFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path, { signal })) hash.update(chunk as Uint8Array);
  return `sha256:${hash.digest('hex')}`;
}

export interface VersionContent {
  /** Digest of the model's file; absent for a simulated one and a server. */
  readonly file?: string | undefined;
  /** model.yaml as written. */
  readonly modelFile?: unknown;
  /** Digests of the files that model.yaml names, by those names. */
  readonly assets?: Readonly<Record<string, string>> | undefined;
}

export function versionDigest({ file, modelFile = {}, assets = {} }: VersionContent): string {
  return digestOfBytes(canonicalJson({ file: file ?? null, modelFile: modelFile ?? {}, assets }));
}
