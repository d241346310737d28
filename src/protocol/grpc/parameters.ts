/**
 * The parameter maps of inference messages. Integers are numbers where that is exact and bigints elsewhere.
 * Invariant: all maps of one message share one budget of entries.
 */
import { FlyballError } from '../../errors.ts';
import type { Parameters, ParameterValue } from '../inference.ts';
import { signed64, unsigned64, type Cursor, type Writer } from './wire.ts';

/** Entries that a message may still have. */
export interface ParameterBudget {
  left: number;
}

/** Undefined until the first entry, because most messages have none. */
export type ParameterEntries = [string, ParameterValue][] | undefined;

export function spend(budget: ParameterBudget): void {
  budget.left -= 1;
  if (budget.left < 0) throw new FlyballError('TOO_LARGE', 'expected fewer parameters in one message');
}

/** Reads one map entry. */
export function readParameter(budget: ParameterBudget, entries: ParameterEntries, cursor: Cursor): ParameterEntries {
  spend(budget);
  let key = '';
  let value: ParameterValue | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    if (tag === 0x0a) key = cursor.string();
    else if (tag === 0x12) value = readValue(cursor.message());
    else cursor.skip(tag);
  }
  if (value === undefined) {
    throw new FlyballError('INVALID_REQUEST', `parameter '${key}': expected a bool, integer, double or string`);
  }
  const all = entries ?? [];
  all.push([key, value]);
  return all;
}

/** `Object.fromEntries` keeps a key such as `__proto__` a key. */
export const toParameters = (entries: [string, ParameterValue][]): Parameters => Object.fromEntries(entries);

function readValue(cursor: Cursor): ParameterValue | undefined {
  let value: ParameterValue | undefined;
  while (cursor.more) {
    const tag = cursor.tag();
    switch (tag) {
      case 0x08:
        cursor.varint();
        value = cursor.low !== 0 || cursor.high !== 0;
        break;
      case 0x10:
        cursor.varint();
        value = signed64(cursor);
        break;
      case 0x1a:
        value = cursor.string();
        break;
      case 0x21:
        value = cursor.bytes.readDoubleLE(cursor.fixed(8));
        break;
      case 0x28:
        cursor.varint();
        value = unsigned64(cursor);
        break;
      default:
        cursor.skip(tag);
    }
  }
  return value;
}

export function writeParameters(writer: Writer, field: number, parameters: Parameters): void {
  for (const [key, value] of Object.entries(parameters)) {
    const entry = writer.begin(field);
    writer.string(1, key);
    const parameter = writer.begin(2);
    writeValue(writer, value);
    writer.end(parameter);
    writer.end(entry);
  }
}

function writeValue(writer: Writer, value: ParameterValue): void {
  if (typeof value === 'boolean') {
    writer.varint(0x08);
    writer.varint(value ? 1 : 0);
  } else if (typeof value === 'string') {
    writer.string(3, value);
  } else if (typeof value === 'bigint' || Number.isSafeInteger(value)) {
    const integer = BigInt(value);
    writer.varint(integer >= 1n << 63n ? 0x28 : 0x10);
    writer.bigint(integer);
  } else {
    writer.varint(0x21);
    writer.double(value);
  }
}
