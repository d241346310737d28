/**
 * What a key of the configuration means, from the schema itself: type, default, range, description, keys below it.
 * Keys of model.yaml begin with `model.yaml:`; names are free (`deployments.digits.queue`) or left out
 * (`deployments.queue`), and a key that is unlike any other may stand alone (`lengthMax`).
 */
import { FlyballError } from '../errors.ts';
import { modelFile } from './model-file.ts';
import { didYouMean } from './nearest.ts';
import { childrenOf, factsOf, typeInWords, type Child, type Schema } from './schema-walk.ts';
import { specification } from './specification.ts';

export interface Key {
  /** As it is written in the docs: deployments.<name>.queue.lengthMax. */
  readonly path: string;
  readonly schema: Schema;
}

const modelPrefix = 'model.yaml';

/** Every key below a schema, depth first. */
export function keysOf(schema: Schema, path = ''): readonly Key[] {
  const keys: Key[] = [];
  for (const { key, schema: below } of childrenOf(schema)) {
    const own = join(path, key);
    keys.push({ path: own, schema: below }, ...keysOf(below, own));
  }
  return keys;
}

/** Text for people, without a line break at the end. INVALID_SPECIFICATION with the nearest keys when there is none. */
export function explain(keyPath = ''): string {
  const { root, prefix, key } = lookUp(keyPath);
  return key === undefined ? describeRoot(root, prefix) : describe(key, prefix);
}

/** The same for programs: what is absent is not said of the key. */
export interface KeyFacts {
  readonly key: string;
  readonly type: string;
  readonly required: boolean;
  readonly default?: unknown;
  readonly description?: string;
  readonly keys: readonly KeyFacts[];
}

/** With the keys just below it; those further down have an empty `keys`. */
export function keyFacts(keyPath = ''): KeyFacts {
  const { root, prefix, key } = lookUp(keyPath);
  const { path, schema } = key ?? { path: '', schema: root };
  const keys = childrenOf(schema).map((child) => ownFacts(prefix + join(path, child.key), child.schema));
  return { ...ownFacts(prefix + path, schema), keys };
}

function ownFacts(key: string, schema: Schema): KeyFacts {
  const { default: found, description, required } = factsOf(schema);
  return {
    key,
    type: typeInWords(schema),
    required,
    ...(found === undefined ? {} : { default: found.value }),
    ...(description === undefined ? {} : { description }),
    keys: [],
  };
}

/** `key` is absent for the top. */
function lookUp(keyPath: string): { readonly root: Schema; readonly prefix: string; readonly key?: Key } {
  const { root, prefix, rest } = toRoot(keyPath.trim());
  if (rest === '') return { root, prefix };
  const found = find(root, rest.split('.'), '') ?? findAlone(root, rest);
  if (found !== undefined) return { root, prefix, key: found };
  // A key alone that only model.yaml has: `explain pipeline`.
  const elsewhere = prefix === '' ? (find(modelFile, rest.split('.'), '') ?? findAlone(modelFile, rest)) : undefined;
  if (elsewhere !== undefined) return { root: modelFile, prefix: `${modelPrefix}:`, key: elsewhere };
  throw new FlyballError('INVALID_SPECIFICATION', `no key ${keyPath}${suggestion(root, prefix, rest)}`);
}

function toRoot(keyPath: string): { readonly root: Schema; readonly prefix: string; readonly rest: string } {
  const match = /^model\.yaml(?:[:./]|$)(.*)$/.exec(keyPath);
  return match === null
    ? { root: specification, prefix: '', rest: keyPath }
    : { root: modelFile, prefix: `${modelPrefix}:`, rest: match[1] ?? '' };
}

/** Follows a path; where any name may stand, one may be given or left out. */
function find(schema: Schema, path: readonly string[], at: string): Key | undefined {
  const [key, ...rest] = path;
  if (key === undefined) return { path: at, schema };
  const children = childrenOf(schema);
  const named = children.find((child) => child.key === key.replace(/\[\d*\]$/, ''));
  if (named !== undefined) {
    const below = find(named.schema, rest, join(at, named.key));
    if (below !== undefined || !key.endsWith(']')) return below;
  }
  const any = children.find(isAny);
  if (any === undefined) return undefined;
  return find(any.schema, path, join(at, any.key)) ?? find(any.schema, rest, join(at, any.key));
}

const isAny = ({ key }: Child): boolean => key.startsWith('<');
const join = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

/** The one key that ends so. */
function findAlone(root: Schema, ending: string): Key | undefined {
  const found = endingWith(root, ending);
  return found.length === 1 ? found[0] : undefined;
}

function endingWith(root: Schema, ending: string): readonly Key[] {
  return keysOf(root).filter(({ path }) => path.endsWith(`.${ending}`));
}

const suggestionsMax = 6;

function suggestion(root: Schema, prefix: string, rest: string): string {
  const several = [
    ...endingWith(root, rest).map(({ path }) => prefix + path),
    ...(prefix === '' ? endingWith(modelFile, rest).map(({ path }) => `${modelPrefix}:${path}`) : []),
  ];
  if (several.length > 1) return `; which of ${several.slice(0, suggestionsMax).join(', ')}?`;
  const keys = keysOf(root);
  const otherCase = keys.find(({ path }) => path.toLowerCase() === rest.toLowerCase());
  if (otherCase !== undefined) return `; did you mean ${prefix}${otherCase.path}?`;
  const near = didYouMean(
    prefix + rest,
    // What is right so far is no help.
    keys.filter(({ path }) => !rest.startsWith(`${path}.`)).map(({ path }) => prefix + path),
  );
  if (near !== '') return near;
  // The last key alone, as people remember it.
  const last = rest.split('.').at(-1) ?? rest;
  const nearLast = didYouMean(last, new Set(keys.map(({ path }) => path.split('.').at(-1) ?? path)));
  return nearLast === ''
    ? `; keys at the top: ${childrenOf(root)
        .map(({ key }) => key)
        .join(', ')}`
    : nearLast;
}

function describeRoot(root: Schema, prefix: string): string {
  const what =
    prefix === ''
      ? 'flyball.yaml, the specification'
      : 'model.yaml, beside a model: how its inputs are made and its outputs read';
  return [what, '', ...table(childrenOf(root))].join('\n');
}

function describe({ path, schema }: Key, prefix: string): string {
  const { description } = factsOf(schema);
  const children = childrenOf(schema);
  return [
    prefix + path,
    `  ${[typeInWords(schema), necessity({ path, schema })].filter(Boolean).join('; ')}`,
    ...(description === undefined ? [] : [`  ${description}`]),
    ...(children.length === 0 ? [] : ['', ...table(children)]),
  ].join('\n');
}

/** `required`, `default 3`, `optional`; nothing for a name or a place in a list, which is there or not. */
function necessity({ path, schema }: Key): string {
  const shown = defaultInWords(schema);
  if (shown !== undefined) return `default ${shown}`;
  if (path.endsWith('>')) return '';
  return factsOf(schema).required ? 'required' : 'optional';
}

/** Undefined when there is none; a mapping whose keys have their own defaults has none to show. */
export function defaultInWords(schema: Schema): string | undefined {
  const { default: found, core } = factsOf(schema);
  if (found === undefined || (childrenOf(core).length > 0 && JSON.stringify(found.value) === '{}')) return undefined;
  // 1/255 as a person would write it.
  if (typeof found.value === 'number' && !Number.isInteger(found.value))
    return String(Number(found.value.toPrecision(6)));
  return JSON.stringify(found.value);
}

function table(children: readonly Child[]): readonly string[] {
  const width = Math.max(...children.map(({ key }) => key.length));
  return children.map(({ key, schema }) => {
    const { description } = factsOf(schema);
    const shown = defaultInWords(schema);
    const facts = [shortType(schema), ...(shown === undefined ? [] : [`default ${shown}`])].filter(Boolean).join('; ');
    return `  ${key.padEnd(width)}  ${[facts, description].filter(Boolean).join('. ')}`;
  });
}

/** For a mapping its description, or else the keys in it, say more than that it is one. */
function shortType(schema: Schema): string {
  const below = childrenOf(schema);
  if (below.length === 0) return typeInWords(schema);
  if (factsOf(schema).description !== undefined) return '';
  return below.some(isAny) ? typeInWords(schema) : below.map(({ key }) => key).join(', ');
}
