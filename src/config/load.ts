/**
 * Reads flyball.yaml and model.yaml. A file with any problem is refused whole, with all its problems in the message.
 * Invariant: what comes back has passed the schema and the rules between keys; nothing else touches the disk.
 */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type * as z from 'zod';
import { FlyballError } from '../errors.ts';
import { withAbsoluteSecrets } from './secret-places.ts';
import { checkModelSettings, checkSpecification } from './check.ts';
import { modelFile, type ModelFile } from './model-file.ts';
import { problemsInWords, toProblems } from './problems.ts';
import { withAbsoluteTokens } from './metric-tokens.ts';
import { withAbsoluteSinks } from './sink-places.ts';
import { withAbsoluteChannels } from './notification-secrets.ts';
import { withAbsolutePassword } from './store-specification.ts';
import { specification, type Specification, type TlsSpecification } from './specification.ts';
import { checkYaml } from './yaml.ts';

export interface LoadedSpecification {
  readonly specification: Specification;
  /** As it stands in the file, before defaults were filled in; absent where there is no file. */
  readonly written?: unknown;
  /** Absolute path of the file. */
  readonly path: string;
  /** Where relative paths in it begin. */
  readonly folder: string;
}

export interface LoadedModelFile {
  /** As written: what the digest is taken of. */
  readonly settings: z.input<typeof modelFile>;
  readonly modelFile: ModelFile;
}

/** INVALID_SPECIFICATION with every problem; NOT_FOUND when there is no such file. */
export async function loadSpecification(path: string): Promise<LoadedSpecification> {
  const absolute = resolve(path);
  const folder = dirname(absolute);
  const { specification, ...rest } = parseWritten(await readText(absolute, path), path);
  const placed = withAbsolutePassword(withAbsoluteTls(specification, folder), folder);
  const absolutes = withAbsoluteChannels(withAbsoluteSecrets(placed, folder), folder);
  return {
    ...rest,
    specification: withAbsoluteSinks(withAbsoluteTokens(absolutes, folder), folder),
    path: absolute,
    folder,
  };
}

/** The files stay where they are when the specification goes to the server and comes back at the next start. */
function withAbsoluteTls(specification: Specification, folder: string): Specification {
  const absolute = <Holder extends { readonly tls?: TlsSpecification | undefined }>(holder: Holder): Holder => {
    const { tls } = holder;
    if (tls === undefined) return holder;
    const { certificate, key, clientCa } = tls;
    const ca = clientCa === undefined ? {} : { clientCa: resolve(folder, clientCa) };
    return { ...holder, tls: { certificate: resolve(folder, certificate), key: resolve(folder, key), ...ca } };
  };
  const { http, grpc, metrics, control, ...rest } = specification.listeners;
  const listeners = {
    ...rest,
    http: absolute(http),
    grpc: absolute(grpc),
    metrics: absolute(metrics),
    control: absolute(control),
  };
  return absolute({ ...specification, listeners });
}

/** `name` is what messages call the text. */
export function parseSpecification(text: string, name: string): Specification {
  return parseWritten(text, name).specification;
}

function parseWritten(text: string, name: string): Pick<LoadedSpecification, 'specification' | 'written'> {
  const checked = checkYaml(text, specification, checkSpecification);
  if (checked.kind === 'valid') return { specification: checked.value, written: checked.written };
  throw new FlyballError('INVALID_SPECIFICATION', problemsInWords(name, checked.problems));
}

export async function loadModelFile(path: string): Promise<LoadedModelFile> {
  return parseModelFile(await readText(resolve(path), path), path);
}

export function parseModelFile(text: string, name: string): LoadedModelFile {
  const checked = checkYaml(text, modelFile, checkModelSettings);
  if (checked.kind === 'valid') {
    return { settings: checked.written as z.input<typeof modelFile>, modelFile: checked.value };
  }
  throw new FlyballError('INVALID_SPECIFICATION', problemsInWords(name, checked.problems));
}

/** The same for settings that have been read already (from JSON, or from a program). */
export function checkModelFile(settings: z.input<typeof modelFile>, name: string): LoadedModelFile {
  const parsed = modelFile.safeParse(settings);
  const problems = parsed.success
    ? checkModelSettings(parsed.data)
    : toProblems(modelFile, settings, parsed.error.issues);
  if (parsed.success && problems.length === 0) return { settings, modelFile: parsed.data };
  throw new FlyballError('INVALID_SPECIFICATION', problemsInWords(name, problems));
}

async function readText(absolute: string, shown: string): Promise<string> {
  try {
    return await readFile(absolute, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const why = code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : String(error);
    throw new FlyballError('NOT_FOUND', `cannot read ${shown}: ${why}`, { cause: error });
  }
}
