/**
 * A model configuration as Triton's load call carries it, JSON, → what a config.pbtxt of the same content means here.
 * The JSON becomes fields as the text would have given them, so that one reader judges both. Pure.
 */
import { parseJson } from '../../protocol/json.ts';
import { FlyballError } from '../../errors.ts';
import { problemsInWords } from '../../config/problems.ts';
import type { TextField, TextValue } from '../protobuf-text.ts';
import { modelConfigFields, type Fields, type FieldType } from './config-fields.ts';
import { readFields, type WrittenConfig } from './read-config.ts';
import { toSettings, type ImportedConfig } from './to-settings.ts';

const depthMax = 64;
/** JSON has no places that anybody could look up. */
const place = { line: 1, column: 1 };
const configName = 'config';

export interface InlineConfig extends ImportedConfig {
  readonly written: WrittenConfig;
}

/** Throws INVALID_JSON, and INVALID_SPECIFICATION with every problem. */
export function readInlineConfig(text: string): InlineConfig {
  const value = parseJson(text, { depthMax, uniqueKeys: true });
  if (!isObject(value)) throw new FlyballError('INVALID_SPECIFICATION', 'config: expected a JSON object');
  const read = readFields(toFields(value, modelConfigFields));
  if (read.kind === 'problems') throw new FlyballError('INVALID_SPECIFICATION', inWords(read.problems));
  const { config, set } = read;
  const imported = toSettings({ config, set }, configName);
  if (imported.kind === 'problems') throw new FlyballError('INVALID_SPECIFICATION', inWords(imported.problems));
  return { ...imported, notes: imported.notes.map(withoutPlace), written: { config, set } };
}

export const inWords = (problems: Parameters<typeof problemsInWords>[1]): string =>
  withoutPlace(problemsInWords(configName, problems));

const withoutPlace = (words: string): string => words.replaceAll(`${configName}:1:1:`, `${configName}:`);

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function toFields(value: Readonly<Record<string, unknown>>, known: Fields): TextField[] {
  return Object.entries(value).flatMap(([name, written]) => {
    // null is how JSON says that nothing is said.
    if (written === null || written === undefined) return [];
    const field = Object.hasOwn(known, name) ? known[name] : undefined;
    if (field === undefined) return [named(name, { kind: 'identifier', text: 'unknown' })];
    const { type, repeated } = field;
    if (typeof type === 'object' && type.kind === 'map' && isObject(written)) {
      return Object.entries(written).map(([key, each]) => named(name, toEntry(key, each, type)));
    }
    const values = repeated && Array.isArray(written) ? (written as readonly unknown[]) : [written];
    return values.map((each) => named(name, toText(each, type)));
  });
}

const named = (name: string, value: TextValue): TextField => ({ name, place, value, valuePlace: place });

function toEntry(key: string, value: unknown, type: Extract<FieldType, { kind: 'map' }>): TextValue {
  const keyText: TextValue = type.key === 'string' ? { kind: 'string', value: key } : { kind: 'number', text: key };
  return { kind: 'message', fields: [named('key', keyText), named('value', toText(value, type.value))] };
}

/** What does not fit becomes what it would be in the text, so that the reader refuses it by its place. */
function toText(value: unknown, type: FieldType): TextValue {
  if (isObject(value)) {
    const fields = typeof type === 'object' && type.kind === 'message' ? type.fields : {};
    return { kind: 'message', fields: toFields(value, fields) };
  }
  if (typeof value === 'number' || typeof value === 'bigint') return { kind: 'number', text: String(value) };
  if (typeof value === 'boolean') return { kind: 'identifier', text: String(value) };
  if (typeof value !== 'string') return { kind: 'identifier', text: Array.isArray(value) ? 'list' : 'nothing' };
  if (typeof type === 'object' && type.kind === 'enum') return { kind: 'identifier', text: value };
  // protobuf's JSON writes 64-bit integers in quotes.
  if (typeof type === 'string' && type.endsWith('64') && /^-?\d+$/.test(value)) return { kind: 'number', text: value };
  return { kind: 'string', value };
}
