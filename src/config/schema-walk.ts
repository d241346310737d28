/**
 * Reads a zod schema as a tree of keys: what stands at a path, what may stand there, in words. Messages, `explain` and
 * the generated docs all come from here, so that they cannot differ.
 */
import type * as z from 'zod';

export type Schema = z.core.$ZodType;

/** The parts of zod's definitions that are read here. */
interface Definition {
  readonly type: string;
  readonly innerType?: Schema;
  readonly in?: Schema;
  readonly shape?: Readonly<Record<string, Schema>>;
  readonly keyType?: Schema;
  readonly valueType?: Schema;
  readonly element?: Schema;
  readonly options?: readonly Schema[];
  /** Of `eitherOf`: one key that several options of a union have, not a union of its own. */
  readonly merged?: boolean;
  readonly entries?: Readonly<Record<string, string>>;
  readonly values?: readonly unknown[];
  readonly defaultValue?: unknown;
  readonly checks?: readonly { readonly _zod: { readonly def: unknown } }[];
  readonly format?: string;
}

/** A check of a schema: zod keeps bounds and patterns as these. */
interface Check {
  readonly check: string;
  readonly value?: unknown;
  readonly format?: string;
  readonly pattern?: RegExp;
}

export interface Facts {
  /** The schema itself, without default and optional. */
  readonly core: Schema;
  readonly description?: string;
  readonly required: boolean;
  /** Absent when there is none. A mapping whose keys all have defaults has `{}`. */
  readonly default?: { readonly value: unknown };
}

const definitionOf = (schema: Schema): Definition => schema._zod.def;
const descriptionOf = (schema: Schema): string | undefined => (schema as Partial<z.ZodType>).description;

export function factsOf(schema: Schema): Facts {
  const { merged, options = [] } = definitionOf(schema);
  if (merged === true) {
    const each = options.map(factsOf);
    const told = Object.assign({}, ...each.toReversed()) as Facts;
    return { ...told, core: schema, required: each.every(({ required }) => required) };
  }
  let core = schema;
  let description = descriptionOf(core);
  let required = true;
  let found: { readonly value: unknown } | undefined;
  for (;;) {
    const definition = definitionOf(core);
    const inner = definition.type === 'pipe' ? definition.in : definition.innerType;
    if (inner === undefined) break;
    if (definition.type === 'optional' || definition.type === 'default' || definition.type === 'prefault') {
      required = false;
      if (definition.type !== 'optional') found ??= { value: definition.defaultValue };
    }
    core = inner;
    description ??= descriptionOf(core);
  }
  return {
    core,
    required,
    ...(description === undefined ? {} : { description }),
    ...(found === undefined ? {} : { default: found }),
  };
}

export interface Child {
  /** The key; `<name>` for any name, `<n>` for a place in a list. */
  readonly key: string;
  readonly schema: Schema;
}

/** What may stand below a schema, in the order of its declaration. */
export function childrenOf(schema: Schema): readonly Child[] {
  const definition = definitionOf(factsOf(schema).core);
  if (definition.shape !== undefined) return Object.entries(definition.shape).map(([key, schema]) => ({ key, schema }));
  if (definition.valueType !== undefined) return [{ key: '<name>', schema: definition.valueType }];
  if (definition.element !== undefined) {
    // A list of plain values is told whole by its type.
    return childrenOf(definition.element).length === 0 ? [] : [{ key: '<n>', schema: definition.element }];
  }
  const byKey = Map.groupBy((definition.options ?? []).flatMap(childrenOf), ({ key }) => key);
  return [...byKey].map(([key, found]) => ({ key, schema: eitherOf(found.map(({ schema }) => schema)) }));
}

/** The key of a union that several of its options have. */
function eitherOf(found: readonly Schema[]): Schema {
  const [first] = found;
  if (first !== undefined && found.length === 1) return first;
  return { _zod: { def: { type: 'union', options: found, merged: true } } } as unknown as Schema;
}

/** The schema at a path of keys, or how far one gets. */
export function schemaAt(
  root: Schema,
  path: readonly PropertyKey[],
): { readonly found: Schema } | { readonly depth: number; readonly last: Schema } {
  let schema = root;
  for (const [depth, key] of path.entries()) {
    const next = childAt(schema, key);
    if (next === undefined) return { depth, last: schema };
    schema = next;
  }
  return { found: schema };
}

function childAt(schema: Schema, key: PropertyKey): Schema | undefined {
  const definition = definitionOf(factsOf(schema).core);
  if (definition.shape !== undefined) {
    return Object.hasOwn(definition.shape, key) ? definition.shape[String(key)] : undefined;
  }
  if (definition.valueType !== undefined) return definition.valueType;
  if (definition.element !== undefined) return definition.element;
  const found = (definition.options ?? []).map((option) => childAt(option, key)).filter((child) => child !== undefined);
  return found.length === 0 ? undefined : eitherOf(found);
}

/** Values that are listed, of an enum, a literal or a union of them. */
export function listedValues(schema: Schema): readonly string[] {
  const { entries, values, options } = definitionOf(factsOf(schema).core);
  return [...Object.values(entries ?? {}), ...(values ?? []).map(String), ...(options ?? []).flatMap(listedValues)];
}

/** What may stand there, in words: `a whole number from 1 to 16`. */
export function typeInWords(schema: Schema): string {
  const { core } = factsOf(schema);
  const definition = definitionOf(core);
  switch (definition.type) {
    case 'string':
      return 'text';
    case 'number':
      return numberInWords(core);
    case 'boolean':
      return 'true or false';
    case 'enum':
      return listInWords(Object.values(definition.entries ?? {}));
    case 'literal':
      return listInWords(definition.values ?? []);
    case 'object':
      return 'a mapping';
    case 'record':
      return `a mapping of names to ${manyInWords(definition.valueType)}`;
    case 'array':
      return `a list of ${manyInWords(definition.element)}`;
    case 'union':
      return unionInWords(definition.options ?? []);
    default:
      return definition.type;
  }
}

function manyInWords(schema: Schema | undefined): string {
  if (schema === undefined) return 'values';
  return typeInWords(schema)
    .replace(/^a (whole )?(number|mapping)/, '$1$2s')
    .replace(/^text$/, 'texts');
}

function unionInWords(options: readonly Schema[]): string {
  // A number, or text with a unit: the one pattern that people cannot guess from a type.
  const isBytes = options.some((option) => checksOf(option).some(({ pattern }) => pattern?.source.includes('KiB')));
  if (isBytes) return 'bytes, as a number or with a unit (B, KiB, MiB, GiB)';
  const listed = options.every((option) => listedValues(option).length > 0);
  return [...new Set(options.map(typeInWords))].join(listed ? ' | ' : ', or ');
}

function checksOf(schema: Schema): readonly Check[] {
  return (definitionOf(schema).checks ?? []).map((check) => check._zod.def as Check);
}

function boundOf(schema: Schema, check: 'greater_than' | 'less_than'): number | undefined {
  const value = checksOf(schema).find((found) => found.check === check)?.value;
  return typeof value === 'number' ? value : undefined;
}

function numberInWords(schema: Schema): string {
  const isWhole = [definitionOf(schema), ...checksOf(schema)].some(({ format }) => format?.includes('int'));
  const what = isWhole ? 'a whole number' : 'a number';
  const from = boundOf(schema, 'greater_than');
  const to = boundOf(schema, 'less_than');
  if (from !== undefined && to !== undefined) return `${what} from ${from} to ${to}`;
  if (from !== undefined) return `${what} of at least ${from}`;
  return to === undefined ? what : `${what} of at most ${to}`;
}

function listInWords(values: readonly unknown[]): string {
  return values.map(String).join(' | ');
}
