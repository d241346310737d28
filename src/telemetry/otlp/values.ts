/**
 * Values of OTLP's JSON form: protobuf's JSON mapping, with 64-bit integers as strings, and, unlike it, trace and span ids
 * in hexadecimal and enumerations as numbers. Pure.
 * https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding
 */
import { createHash } from 'node:crypto';

export type AttributeValue = string | number | boolean | readonly string[] | undefined;

interface AnyValue {
  readonly stringValue?: string;
  readonly boolValue?: boolean;
  readonly intValue?: string;
  readonly doubleValue?: number;
  readonly arrayValue?: { readonly values: readonly AnyValue[] };
}

export interface KeyValue {
  readonly key: string;
  readonly value: AnyValue;
}

/** Longer texts are cut: backends refuse what is larger than they hold. */
const textLengthMax = 4000;
const listLengthMax = 64;

function toValue(value: Exclude<AttributeValue, undefined>): AnyValue {
  switch (typeof value) {
    case 'string':
      return { stringValue: value.slice(0, textLengthMax) };
    case 'boolean':
      return { boolValue: value };
    case 'number':
      return Number.isSafeInteger(value) ? { intValue: String(value) } : { doubleValue: value };
    default:
      return { arrayValue: { values: value.slice(0, listLengthMax).map((each) => toValue(each)) } };
  }
}

/** What is undefined, and numbers that JSON has no form for, are left out: they are not known. */
export function toAttributes(values: Readonly<Record<string, AttributeValue>>): KeyValue[] {
  return Object.entries(values).flatMap(([key, value]) =>
    value === undefined || (typeof value === 'number' && !Number.isFinite(value))
      ? []
      : [{ key, value: toValue(value) }],
  );
}

/** Unix milliseconds → nanoseconds; a double holds Unix nanoseconds only to some hundreds of them. */
export function toNanoseconds(unixMs: number): string {
  const whole = Math.floor(unixMs);
  return String(BigInt(whole) * 1_000_000n + BigInt(Math.round((unixMs - whole) * 1e6)));
}

/** The same for the same words, so that spans can name each other before either was made. 16 hexadecimal digits. */
export function derivedSpanId(...words: readonly string[]): string {
  const id = createHash('sha256').update(words.join('\n')).digest('hex').slice(0, 16);
  return id === '0'.repeat(16) ? '1'.padStart(16, '0') : id;
}
