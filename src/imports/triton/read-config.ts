/**
 * The text of a config.pbtxt → a model configuration with the place of everything that was written. Unknown fields,
 * wrong types and fields given twice are problems, each with line, column and what was expected; all are listed.
 * Pure. Numbers are JavaScript's: a 64-bit one beyond 2^53 loses its last digits, which no setting has a use for.
 */
import { didYouMean } from '../../config/nearest.ts';
import { pathInWords, type ConfigurationProblem } from '../../config/problems.ts';
import { parseTextFormat, type Place, type TextField, type TextValue } from '../protobuf-text.ts';
import { modelConfigFields, type Field, type Fields, type FieldType, type ScalarType } from './config-fields.ts';

type Path = readonly (string | number)[];

/** A leaf as it was written: `instance_group[0].count`. */
export interface SetField {
  readonly path: Path;
  readonly place: Place;
  /** Whether it says what an absent field would say: 0, "", false, the first of an enum. */
  readonly isDefault: boolean;
}

export interface TensorConfig {
  readonly name?: string;
  readonly data_type?: string;
  readonly dims?: readonly number[];
  readonly reshape?: { readonly shape?: readonly number[] };
  readonly label_filename?: string;
  readonly optional?: boolean;
  readonly allow_ragged_batch?: boolean;
  readonly is_shape_tensor?: boolean;
}

export interface QueuePolicyConfig {
  readonly timeout_action?: 'REJECT' | 'DELAY';
  readonly default_timeout_microseconds?: number;
  readonly allow_timeout_override?: boolean;
  readonly max_queue_size?: number;
}

export interface DynamicBatchingConfig {
  readonly preferred_batch_size?: readonly number[];
  readonly max_queue_delay_microseconds?: number;
  readonly preserve_ordering?: boolean;
  readonly priority_levels?: number;
  readonly default_priority_level?: number;
  readonly default_queue_policy?: QueuePolicyConfig;
  readonly priority_queue_policy?: Readonly<Record<string, QueuePolicyConfig>>;
}

export interface WarmupConfig {
  readonly name?: string;
  readonly batch_size?: number;
  readonly inputs?: Readonly<
    Record<string, { readonly zero_data?: boolean; readonly random_data?: boolean; readonly input_data_file?: string }>
  >;
  readonly count?: number;
}

/** What is read of a `ModelConfig` by name; every other field is known by its place alone. */
export interface ModelConfig {
  readonly name?: string;
  readonly platform?: string;
  readonly backend?: string;
  readonly max_batch_size?: number;
  readonly input?: readonly TensorConfig[];
  readonly output?: readonly TensorConfig[];
  readonly version_policy?: {
    readonly latest?: { readonly num_versions?: number };
    readonly all?: object;
    readonly specific?: { readonly versions?: readonly number[] };
  };
  readonly dynamic_batching?: DynamicBatchingConfig;
  readonly sequence_batching?: object;
  readonly ensemble_scheduling?: object;
  readonly instance_group?: readonly { readonly count?: number; readonly kind?: string; readonly passive?: boolean }[];
  readonly default_model_filename?: string;
  readonly parameters?: Readonly<Record<string, { readonly string_value?: string }>>;
  readonly model_warmup?: readonly WarmupConfig[];
  readonly model_operations?: { readonly op_library_filename?: readonly string[] };
  readonly model_transaction_policy?: { readonly decoupled?: boolean };
  readonly batch_input?: readonly object[];
  readonly batch_output?: readonly object[];
}

export interface WrittenConfig {
  readonly config: ModelConfig;
  /** In the order of the text. */
  readonly set: readonly SetField[];
}

export type ReadConfig =
  | ({ readonly kind: 'config' } & WrittenConfig)
  | { readonly kind: 'problems'; readonly problems: readonly ConfigurationProblem[] };

export function readConfig(text: string): ReadConfig {
  const parsed = parseTextFormat(text);
  if (parsed.kind === 'problem') return { kind: 'problems', problems: [parsed.problem] };
  return readFields(parsed.fields);
}

/** Of fields that have been parsed already, whatever they were written in. */
export function readFields(fields: readonly TextField[]): ReadConfig {
  const reader: Reader = { problems: [], set: [] };
  const config = readMessage(fields, modelConfigFields, [], reader);
  if (reader.problems.length > 0) return { kind: 'problems', problems: reader.problems };
  return { kind: 'config', config, set: reader.set };
}

interface Reader {
  readonly problems: ConfigurationProblem[];
  readonly set: SetField[];
}

function readMessage(written: readonly TextField[], known: Fields, path: Path, reader: Reader): object {
  // Without a prototype: keys of maps are the file's own words.
  const value = Object.create(null) as Record<string, unknown>;
  const chosen = new Map<string, string>();
  for (const field of written) {
    const { name, place } = field;
    const declared = Object.hasOwn(known, name) ? known[name] : undefined;
    if (declared === undefined) {
      const near = didYouMean(name, Object.keys(known));
      const expected = near === '' ? `; expected ${Object.keys(known).join(', ') || 'none'}` : near;
      reader.problems.push({ path: [...path, name], text: `unknown field${expected}`, ...place });
      continue;
    }
    const other = declared.oneof === undefined ? undefined : chosen.get(declared.oneof);
    if (other !== undefined && other !== name) {
      reader.problems.push({ path: [...path, name], text: `excludes ${other}, which is given too`, ...place });
      continue;
    }
    if (declared.oneof !== undefined) chosen.set(declared.oneof, name);
    readField(value, field, declared, path, reader);
  }
  return value;
}

function readField(
  into: Record<string, unknown>,
  field: TextField,
  { type, repeated }: Field,
  path: Path,
  reader: Reader,
): void {
  const { name, place, value: written, valuePlace } = field;
  const isMap = typeof type === 'object' && type.kind === 'map';
  if (written.kind === 'nothing') {
    const at = [...path, name];
    if (repeated || isMap) reader.set.push({ path: at, place, isDefault: true });
    else reader.problems.push({ path: at, text: 'expected a value, got an empty list', ...valuePlace });
    return;
  }
  if (isMap) {
    const entries = (into[name] ??= Object.create(null)) as Record<string, unknown>;
    readEntry(entries, field, type, [...path, name], reader);
    return;
  }
  const before = into[name] as unknown[] | undefined;
  if (!repeated && before !== undefined) {
    reader.problems.push({ path: [...path, name], text: 'is given twice; expected it once', ...place });
    return;
  }
  const at =
    repeated && typeof type === 'object' && type.kind === 'message'
      ? [...path, name, before?.length ?? 0]
      : [...path, name];
  const read = readValue(written, valuePlace, type, at, reader);
  if (read === undefined) return;
  if (repeated) into[name] = [...(before ?? []), read];
  else into[name] = read;
}

/** An entry of a map: a message with `key` and `value`. */
function readEntry(
  into: Record<string, unknown>,
  { value: written, valuePlace, place }: TextField,
  type: Extract<FieldType, { kind: 'map' }>,
  path: Path,
  reader: Reader,
): void {
  const problem = (text: string, where: Place): void => void reader.problems.push({ path, text, ...where });
  if (written.kind !== 'message') return problem(`expected { key: … value: … }, got ${inWords(written)}`, valuePlace);
  const named = (name: string): TextField | undefined => written.fields.find((field) => field.name === name);
  const unknown = written.fields.find(({ name }) => name !== 'key' && name !== 'value');
  if (unknown !== undefined) return problem(`unknown field ${unknown.name}; expected key and value`, unknown.place);
  if (written.fields.length > 2) return problem('expected one key and one value', valuePlace);
  const keyField = named('key');
  const key = keyField === undefined ? '' : readScalar(keyField.value, type.key);
  if (typeof key === 'object') return problem(`key: ${key.problem}`, keyField?.valuePlace ?? place);
  if (Object.hasOwn(into, String(key))) return problem(`the key ${String(key)} is given twice`, place);
  const valueField = named('value');
  const own = [...path, String(key)];
  // An entry without a value has the value's default.
  const read =
    valueField === undefined
      ? typeof type.value === 'object'
        ? Object.create(null)
        : ''
      : readValue(valueField.value, valueField.valuePlace, type.value, own, reader);
  if (valueField === undefined) reader.set.push({ path: own, place, isDefault: false });
  if (read !== undefined) into[String(key)] = read;
}

function readValue(written: TextValue, place: Place, type: FieldType, path: Path, reader: Reader): unknown {
  if (typeof type === 'object' && type.kind === 'message') {
    if (written.kind !== 'message') {
      reader.problems.push({ path, text: `expected { … }, got ${inWords(written)}`, ...place });
      return undefined;
    }
    // A message may say something by being there: dynamic_batching { }.
    if (written.fields.length === 0) reader.set.push({ path, place, isDefault: false });
    return readMessage(written.fields, type.fields, path, reader);
  }
  const read = typeof type === 'object' ? readEnum(written, type) : readScalar(written, type);
  if (typeof read === 'object') {
    reader.problems.push({ path, text: read.problem, ...place });
    return undefined;
  }
  const first = typeof type === 'object' && type.kind === 'enum' ? type.values[0] : undefined;
  reader.set.push({ path, place, isDefault: read === first || read === 0 || read === '' || read === false });
  return read;
}

interface Wrong {
  readonly problem: string;
}

function readEnum(written: TextValue, type: Exclude<FieldType, ScalarType>): string | Wrong {
  const values = type.kind === 'enum' ? type.values : [];
  // A number names the value of that position; they count from 0 without gaps here.
  const name =
    written.kind === 'number'
      ? values[toNumber(written.text)]
      : written.kind === 'identifier'
        ? written.text
        : undefined;
  if (name !== undefined && values.includes(name)) return name;
  const came = inWords(written);
  const word = written.kind === 'string' ? written.value : 'text' in written ? written.text : '';
  const near = word === '' ? '' : didYouMean(word, values);
  const hint = written.kind === 'string' && values.includes(written.value) ? ', without quotes' : near;
  return { problem: `expected ${values.join(', ')}, got ${came}${hint}` };
}

const ranges: Readonly<Partial<Record<ScalarType, readonly [number, number]>>> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [-(2 ** 63), 2 ** 63],
  uint64: [0, 2 ** 64],
};

function readScalar(written: TextValue, type: ScalarType): string | number | boolean | Wrong {
  const wrong = (expected: string): Wrong => ({ problem: `expected ${expected}, got ${inWords(written)}` });
  if (type === 'string') return written.kind === 'string' ? written.value : wrong('a string in quotes');
  if (type === 'bool') {
    const text = written.kind === 'number' || written.kind === 'identifier' ? written.text : '';
    if (['true', 'True', 't', '1'].includes(text)) return true;
    if (['false', 'False', 'f', '0'].includes(text)) return false;
    return wrong('true or false');
  }
  const range = ranges[type];
  if (range === undefined) {
    if (written.kind === 'number') return toNumber(written.text);
    const match = written.kind === 'identifier' ? /^(-?)(?:(inf(?:inity)?)|nan)$/i.exec(written.text) : null;
    if (match === null) return wrong('a number');
    return match[2] === undefined ? Number.NaN : match[1] === '-' ? -Infinity : Infinity;
  }
  const words = `a whole number of ${type === 'int32' ? '-2^31 to 2^31-1' : type === 'uint32' ? '0 to 2^32-1' : type === 'int64' ? '-2^63 to 2^63-1' : '0 to 2^64-1'}`;
  if (written.kind !== 'number' || !/^-?(?:0[0-7]*|[1-9]\d*|0[xX][0-9a-fA-F]+)$/.test(written.text))
    return wrong(words);
  const value = toNumber(written.text);
  return value >= range[0] && value <= range[1] ? value : wrong(words);
}

/** Decimal, 0x hexadecimal, 0 octal; floats may end in f. */
function toNumber(text: string): number {
  const negative = text.startsWith('-');
  const digits = negative ? text.slice(1) : text;
  const value = /^0[0-7]+$/.test(digits)
    ? Number.parseInt(digits, 8)
    : Number(/^0x/i.test(digits) ? digits : digits.replace(/f$/i, ''));
  // No minus zero: it would be another value than 0 to whoever compares.
  return negative && value !== 0 ? -value : value;
}

function inWords(written: TextValue): string {
  switch (written.kind) {
    case 'message':
      return '{ … }';
    case 'nothing':
      return '[ ]';
    case 'string':
      return JSON.stringify(written.value.length > 40 ? `${written.value.slice(0, 40)}…` : written.value);
    case 'number':
    case 'identifier':
      return written.text;
    default:
      return written satisfies never;
  }
}

/** `config.pbtxt:12:3: instance_group[0].gpus: …`, for notes. */
export function noteAt(file: string, path: Path, place: Place, text: string): string {
  return `${file}:${place.line}:${place.column}: ${pathInWords(path)}: ${text}`;
}
