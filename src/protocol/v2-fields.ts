/**
 * Reads the fields of a V2 message that has been parsed as JSON: each reader gives the value with its type or throws
 * INVALID_REQUEST naming the field, what was expected and what came. By hand, because this is on every request's way.
 */
import { FlyballError } from '../errors.ts';
import type { Parameters, ParameterValue } from './inference.ts';

export type JsonObject = Readonly<Record<string, unknown>>;

export function refuse(message: string): never {
  throw new FlyballError('INVALID_REQUEST', message);
}

export function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (value === undefined) return 'nothing';
  return Array.isArray(value) ? 'a list' : typeof value;
}

export function asObject(value: unknown, what: string): JsonObject {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    refuse(`${what}: expected an object, got ${kindOf(value)}`);
  }
  return value as JsonObject;
}

export function asList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) refuse(`${what}: expected a list, got ${kindOf(value)}`);
  return value;
}

export function asName(value: unknown, what: string): string {
  if (typeof value !== 'string' || value === '') refuse(`${what}: expected a name, got ${kindOf(value)}`);
  return value;
}

export function asId(value: unknown): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  // Numbers are not of the protocol, but nothing is lost by echoing them as text.
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'string') refuse(`id: expected a string, got ${kindOf(value)}`);
  return value;
}

function isParameterValue(value: unknown): value is ParameterValue {
  return (
    typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' || typeof value === 'bigint'
  );
}

export function asParameters(value: unknown, what: string): Parameters | undefined {
  if (value === undefined || value === null) return undefined;
  const parameters = asObject(value, what);
  for (const key of Object.keys(parameters)) {
    if (!isParameterValue(parameters[key])) {
      refuse(`${what}.${key}: expected a string, number or boolean, got ${kindOf(parameters[key])}`);
    }
  }
  return parameters as Parameters;
}

export function checkFlag(parameters: Parameters, key: string, what: string): void {
  const value = parameters[key];
  if (value !== undefined && typeof value !== 'boolean') {
    refuse(`${what}.parameters.${key}: expected true or false, got ${kindOf(value)}`);
  }
}

/** Other servers put more than scalars into the parameters of a response; what is no parameter of ours is left out. */
export function lenientParameters(value: unknown): Parameters | undefined {
  if (value === undefined || value === null) return undefined;
  const kept = Object.entries(asObject(value, 'parameters')).filter((pair): pair is [string, ParameterValue] =>
    isParameterValue(pair[1]),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}
