/**
 * The last look before a replica starts, where only signed versions may load. What is to be run is made anew from the
 * version's record as it is now and from nothing that was remembered; the runner gets the digest of every file that it
 * is to open. What comes from elsewhere (threads, limits) belongs to the operator, not to the version.
 */
import { FlyballError } from '../errors.ts';
import type { Registry } from '../registry/registry.ts';
import { signatureOf } from '../registry/signature.ts';
import type { Trust } from '../registry/trust.ts';
import type { DeploymentRecord, Store } from '../store/store.ts';
import { makeTemplate, type TemplateLaunch } from './template.ts';

/** Gives what may be started; VERSION_NOT_FOUND and what {@link Trust.require} throws. */
export type Vet = (launch: TemplateLaunch, deployment: DeploymentRecord) => Promise<TemplateLaunch>;

export function openVetting(
  store: Pick<Store, 'version'>,
  registry: Pick<Registry, 'files'>,
  trust: Pick<Trust, 'required' | 'require'>,
): Vet {
  return async (launch, { specification }) => {
    if (!trust.required) return launch;
    const { model, version, digest } = launch;
    const record = await store.version(model, Number(version));
    if (record === undefined)
      throw new FlyballError('VERSION_NOT_FOUND', `${model} has no version ${version} any more`);
    trust.require(record);
    if (record.digest !== digest) {
      throw new FlyballError('SIGNATURE_INVALID', `${model}:${version} is ${record.digest}, not ${digest} any more`);
    }
    const files = await registry.files(record);
    // Of a model with a file the runtime reads the signature from what it opens; of any other it is in the settings.
    const signature = files.path === undefined ? await signatureOf(record.modelFile, undefined) : record.signature;
    const made = makeTemplate(specification, { ...record, signature }, files).launch;
    return {
      ...made,
      runtime: runtimeOf(made.runtime, launch.runtime, record.file, files.digests),
      digests: files.digests,
    };
  };
}

function runtimeOf(
  made: TemplateLaunch['runtime'],
  wanted: TemplateLaunch['runtime'],
  file: string | undefined,
  digests: Readonly<Record<string, string>>,
): TemplateLaunch['runtime'] {
  if (made.kind === 'server') return { ...made, digests: { ...digests } };
  if (made.kind !== 'onnx' || wanted.kind !== 'onnx') return made;
  const { threads, spinning, graphOptimisation, memoryArena } = wanted;
  return {
    ...made,
    threads,
    spinning,
    graphOptimisation,
    memoryArena,
    ...(file === undefined ? {} : { digest: file }),
  };
}
