/**
 * A specification or a model made ready for the server: sources resolved to local files, and whatever the server lacks
 * uploaded by digest. `up` and `deploy` go this way both, so that they cannot differ.
 */
import type { KeyObject } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import type { ModelView, ResolvedSpecification, VersionView } from '../api/schemas.ts';
import { loadSpecification, type LoadedSpecification } from '../config/load.ts';
import { resolveModels, toResolvedSpecification, withDefaultsOfModels, type LocalModels } from '../config/resolve.ts';
import { FlyballError } from '../errors.ts';
import { isDeclared } from '../protocol/tensor.ts';
import { digestOfBytes } from '../registry/digest.ts';
import type { LocalVersion } from '../registry/model-folder.ts';
import type { ControlClient } from './control-client.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import type { Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { signaturesBeside, signLocal } from './model-signatures.ts';
import type { Progress } from './progress.ts';
import type { Terminal } from './terminal.ts';
import { byteSize } from '../units.ts';

export interface Prepared {
  readonly loaded: LoadedSpecification;
  readonly local: LocalModels;
}

export const defaultSpecification = 'flyball.yaml';

export async function loadFrom(path: string | undefined, terminal: Terminal): Promise<LoadedSpecification> {
  try {
    return await loadSpecification(resolve(terminal.cwd, path ?? defaultSpecification));
  } catch (error) {
    if (!(error instanceof FlyballError) || error.code !== 'NOT_FOUND') throw error;
    if (path !== undefined) throw new UsageError(error.message, 'name a specification; `flyball init` writes one');
    throw new UsageError(
      `there is no ${defaultSpecification} in ${terminal.cwd}`,
      'name a specification, or write one with `flyball init`',
    );
  }
}

export function generatedFolder(dataDirectory: string): string {
  return join(dataDirectory, 'generated');
}

/** Where generated models are kept: with the server's data when it is on this machine, so that nothing is made twice. */
export async function generatedIn(
  client: ControlClient,
  invocation: Pick<Invocation, 'values' | 'terminal' | 'signal'>,
): Promise<string> {
  const { dataDirectory } = await client.status(invocation.signal);
  const theirs = generatedFolder(dataDirectory);
  return existsSync(theirs) ? theirs : generatedFolder(dataDirectoryPath(invocation));
}

export async function prepare(
  loaded: LoadedSpecification,
  folder: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<Prepared> {
  const options = {
    generatedFolder: folder,
    onProgress: (text: string): void => progress.note(text),
  };
  const local = await resolveModels(loaded, options, signal);
  for (const [name, why] of Object.entries(local.leftOut)) progress.note(`left out: model ${name}: ${why}`);
  for (const [name, model] of Object.entries(local.models)) tellNotes(name, model.versions, progress);
  const { specification, taken } = withDefaultsOfModels(loaded, local);
  for (const [name, keys] of Object.entries(taken))
    progress.note(`deployment ${name}: ${keys.join(', ')} from its model`);
  return { loaded: { ...loaded, specification }, local };
}

/** What an import could not take over, once for all versions. */
export function tellNotes(model: string, versions: readonly LocalVersion[], progress: Progress): void {
  for (const note of new Set(versions.flatMap(({ notes }) => notes))) progress.note(`model ${model}: ${note}`);
}

/** With versions numbered against what the server has now. */
export async function resolveAgainst(
  client: ControlClient,
  { loaded, local }: Prepared,
  signal: AbortSignal,
): Promise<{ readonly resolved: ResolvedSpecification; readonly there: readonly ModelView[] }> {
  const there = await client.models(signal);
  return { resolved: toResolvedSpecification(loaded, local, there), there };
}

export async function uploadMissing(
  client: ControlClient,
  { local }: Prepared,
  { resolved, there }: { readonly resolved: ResolvedSpecification; readonly there: readonly ModelView[] },
  by: string,
  progress: Progress,
  signal: AbortSignal,
): Promise<void> {
  for (const [name, model] of Object.entries(local.models)) {
    const known = there.find((each) => each.name === name)?.versions ?? [];
    for (const [index, version] of model.versions.entries()) {
      const number = resolved.models[name]?.versions[index]?.version;
      const same = known.find((each) => each.version === number && each.digest === version.digest);
      if (same !== undefined) {
        const signatures = (await signaturesBeside(name, version)).filter(
          (signature) => !same.signers.some(({ key }) => signature.startsWith(`${key}:`)),
        );
        if (signatures.length > 0) await client.signVersion(name, same.version, { signatures, by }, signal);
        continue;
      }
      const origin = { by, source: model.source, note: model.note };
      await uploadVersion(client, name, version, number, origin, progress, signal);
    }
  }
}

export interface Origin {
  readonly by: string;
  readonly source: string;
  readonly note?: string | undefined;
  /** Signs what is uploaded; it goes nowhere itself. */
  readonly signKey?: KeyObject | undefined;
}

/** Bytes travel only when the server does not have them; the version is then made of digests alone. */
export async function uploadVersion(
  client: ControlClient,
  name: string,
  version: LocalVersion,
  number: number | undefined,
  origin: Origin,
  progress: Progress,
  signal: AbortSignal,
): Promise<VersionView> {
  const put = async (path: string, digest: string, size: number, open?: () => Readable): Promise<void> => {
    if (await client.hasArtefact(digest, signal)) return;
    const body = open === undefined ? { kind: 'path' as const, path, size } : { kind: 'stream' as const, open, size };
    await client.putArtefact(digest, body, origin.by, signal);
  };
  const step = progress.begin(
    `upload ${name}${version.file === undefined ? '' : ` (${byteSize(version.file.bytes)})`}`,
  );
  const { file } = version;
  if (file !== undefined) await put(file.path, file.digest, file.bytes, file.open);
  const modelFile = await modelFileDigest(client, version, origin.by, signal);
  const assets: Record<string, string> = {};
  for (const [asset, { path, digest }] of Object.entries(version.assets)) {
    await put(path, digest, (await stat(path)).size);
    assets[asset] = digest;
  }
  const { signKey, ...from } = origin;
  const signature = await signaturesBeside(name, version);
  if (signKey !== undefined) signature.push(signLocal(name, version, number, signKey));
  const order = { ...from, version: number, digest: file?.digest, modelFile, assets, signature };
  const view = await client.addVersion(name, order, undefined, signal).catch((error: unknown) => {
    if (!(error instanceof FlyballError) || error.code !== 'INVALID_MODEL' || file === undefined) throw error;
    // The server has seen bytes; which file they came from is known here.
    throw new FlyballError(error.code, `${file.path}: ${error.message}`, { cause: error });
  });
  step.end('ok', versionText(name, view));
  return view;
}

/** Sent as it is written: its comments are part of the file, though not of the version's digest. */
async function modelFileDigest(
  client: ControlClient,
  { modelFilePath, modelFileText }: LocalVersion,
  by: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (modelFileText === undefined && modelFilePath === undefined) return undefined;
  const bytes = modelFileText === undefined ? await readFile(modelFilePath ?? '') : Buffer.from(modelFileText);
  const digest = digestOfBytes(bytes);
  if (!(await client.hasArtefact(digest, signal)))
    await client.putArtefact(digest, { kind: 'bytes', bytes }, by, signal);
  return digest;
}

/** `digits:1  sha256:4be1c0d2  in FP32[-1,64]  out INT64[-1]`. */
function versionText(name: string, { version, digest, signature }: VersionView): string {
  const spec = ({ datatype, shape }: VersionView['signature']['inputs'][number]): string =>
    `${datatype}[${shape.join(',')}]`;
  const hex = digest.replace(/^sha256:/, '').slice(0, 8);
  const inputs = signature.inputs.map(spec).join(' ');
  const outputs = signature.outputs.map(spec).join(' ');
  const takes = isDeclared(signature) ? `in ${inputs}  out ${outputs}` : 'in and out as its server says';
  return `${name}:${version}  digest sha256:${hex}  ${takes}`;
}
