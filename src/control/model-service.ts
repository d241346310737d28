/** The part of control that is about models: uploads, versions, artefacts. What serves is not changed here. */
import { createReadStream } from 'node:fs';
import { FlyballError } from '../errors.ts';
import type { ArtefactSource } from '../registry/artefacts.ts';
import type { Registry } from '../registry/registry.ts';
import { toVersionView } from '../registry/views.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { ControlService } from './control-service.ts';
import type { Deployments } from './deployments.ts';
import type { UpkeepLoop } from './upkeep-loop.ts';

export type ModelService = Pick<
  ControlService,
  | 'models'
  | 'model'
  | 'addVersion'
  | 'signVersion'
  | 'removeModel'
  | 'removeVersion'
  | 'removeAlias'
  | 'putArtefact'
  | 'artefact'
>;

export function modelService(parts: {
  readonly store: Store;
  readonly registry: Registry;
  readonly deployments: Deployments;
  readonly loop: UpkeepLoop;
}): ModelService {
  const { store, registry, deployments, loop } = parts;
  const { artefacts } = registry;
  const byDigest = (digest: string): ArtefactSource => ({ kind: 'digest', digest });
  /** A deployment that follows the newest version may have another target now. */
  const lookAgain = (): Promise<void> => loop.exclusively(() => deployments.refresh());

  return {
    models: () => registry.list(),
    model: (name) => registry.show(name),
    async addVersion(upload, body, signal) {
      const { name, by, source, note } = upload;
      const file: ArtefactSource | undefined =
        body !== undefined
          ? { kind: 'stream', stream: body }
          : upload.digest === undefined
            ? undefined
            : byDigest(upload.digest);
      if (file === undefined && upload.modelFile === undefined) {
        throw new FlyballError(
          'INVALID_REQUEST',
          'expected the bytes of a model, the digest of one that is there, or a model.yaml of the platform simulated or server',
        );
      }
      const assets = Object.entries(upload.assets).map(([asset, digest]) => [asset, byDigest(digest)] as const);
      const { version, added } = await registry.addVersion(
        name,
        {
          ...(file === undefined ? {} : { file }),
          ...(upload.digest === undefined ? {} : { fileDigest: upload.digest }),
          ...(upload.modelFile === undefined ? {} : { modelFile: byDigest(upload.modelFile) }),
          ...(upload.version === undefined ? {} : { version: upload.version }),
          ...(upload.signatures === undefined ? {} : { signatures: upload.signatures }),
          assets: Object.fromEntries(assets),
          provenance: { source, by, ...(note === undefined ? {} : { note }) },
        },
        signal,
      );
      const reason = added ? `${version.digest} from ${source}` : 'the same content was there already';
      publish('flyball:control', { action: 'add version', subject: `${name}:${version.version}`, by, reason });
      await lookAgain();
      return toVersionView(version, registry.trust);
    },
    async signVersion(name, version, signatures, by) {
      const signed = await registry.signVersion(name, version, signatures);
      publish('flyball:control', {
        action: 'sign version',
        subject: `${name}:${version}`,
        by,
        reason: signatures.join(', '),
      });
      // One that could not be served for want of a signature may be now.
      await lookAgain();
      return toVersionView(signed, registry.trust);
    },
    async removeModel(name, by) {
      await registry.removeModel(name);
      publish('flyball:control', { action: 'remove model', subject: name, by, reason: 'asked for' });
      await lookAgain();
    },
    async removeVersion(name, version, by) {
      // What serves stays whole, although the reference has moved on and a failing successor has not taken over yet.
      const user = deployments.all().find(({ serving }) => {
        const launch = serving?.launch;
        return launch?.model === name && launch.version === String(version);
      });
      if (user !== undefined) throw new FlyballError('CONFLICT', `${name}:${version} answers for ${user.name} now`);
      await registry.removeVersion(name, version);
      publish('flyball:control', { action: 'remove version', subject: `${name}:${version}`, by, reason: 'asked for' });
      await lookAgain();
    },
    async removeAlias(name, alias, by) {
      await registry.removeAlias(name, alias, by);
      await store.removeOverride(`models.${name}.aliases.${alias}`);
      publish('flyball:control', { action: 'remove alias', subject: `${name}@${alias}`, by, reason: 'asked for' });
      await lookAgain();
    },
    async putArtefact(digest, body, by, signal) {
      const { bytes } = await artefacts.put({ kind: 'stream', stream: body }, digest, signal);
      // After the upload, which may have taken longer than the grace.
      registry.touch(digest);
      publish('flyball:control', { action: 'put artefact', subject: digest, by, reason: `${bytes} bytes` });
      return { digest, bytes };
    },
    async artefact(digest) {
      const path = await artefacts.path(digest);
      const found = await artefacts.find(digest);
      // Who asks may be about to make a version of it.
      registry.touch(digest);
      return { digest, bytes: found?.bytes ?? 0, open: () => createReadStream(path) };
    },
  };
}
