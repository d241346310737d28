/**
 * A record as the line that is written: tensors as base64 of their little-endian bytes, so that what was sent in binary
 * can be read back bit for bit, and everything redacted that was to be. Pure.
 * Invariant: what cannot be looked into although places in it are to be redacted is redacted whole.
 */
import { createHmac } from 'node:crypto';
import { joinBytesElements, splitBytesElements } from './bytes-elements.ts';
import type { LoggedTensor, Redaction, RequestRecord } from './record.ts';

const removed = '[redacted]';

export function toLine(record: RequestRecord, redact: Redaction, key: Uint8Array): string {
  const hide = (bytes: Uint8Array | string): string =>
    redact.with === 'hash' ? `hmac-sha256:${createHmac('sha256', key).update(bytes).digest('hex')}` : removed;
  const names = (list: readonly string[], name: string): boolean => list.includes(name) || list.includes('*');
  const paths = redact.json.map((path) => path.replace(/^\$\./, '').split('.'));

  const tensor = (hidden: readonly string[]) => {
    return ({ name, datatype, shape, bytes }: LoggedTensor): object => {
      const facts = { name, datatype, shape };
      if (names(hidden, name))
        return { ...facts, ...(redact.with === 'hash' && bytes ? { redacted: hide(bytes) } : { redacted: removed }) };
      if (bytes === undefined) return facts;
      const shown = paths.length > 0 && datatype === 'BYTES' ? redactElements(bytes) : bytes;
      return { ...facts, data: Buffer.from(shown.buffer, shown.byteOffset, shown.byteLength).toString('base64') };
    };
  };
  const redactElements = (bytes: Uint8Array): Uint8Array => {
    const elements = splitBytesElements(bytes);
    if (elements === undefined) return joinBytesElements([Buffer.from(hide(bytes))]);
    return joinBytesElements(elements.map((element) => Buffer.from(redactText(element))));
  };
  const redactText = (bytes: Uint8Array): Uint8Array | string => {
    let value: unknown;
    try {
      value = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch {
      return hide(bytes);
    }
    return JSON.stringify(redactJson(value, paths, hide));
  };

  const { at, inputs, outputs, file, readable, parameters, ...facts } = record;
  const line = {
    time: new Date(at).toISOString(),
    ...facts,
    ...(parameters === undefined ? {} : { parameters: redactParameters(parameters, redact.parameters, names, hide) }),
    ...(inputs === undefined ? {} : { inputs: inputs.map(tensor(redact.inputs)) }),
    ...(file === undefined ? {} : { file: fileOf(file) }),
    ...(outputs === undefined ? {} : { outputs: outputs.map(tensor(redact.outputs)) }),
    ...(readable === undefined
      ? {}
      : {
          readable: names(redact.outputs, 'readable')
            ? hide(JSON.stringify(readable))
            : redactJson(readable, paths, hide),
        }),
  };
  return `${JSON.stringify(line)}\n`;

  function fileOf({ bytes, ...rest }: NonNullable<RequestRecord['file']>): object {
    if (names(redact.inputs, 'file')) return { ...rest, redacted: bytes === undefined ? removed : hide(bytes) };
    if (bytes === undefined) return rest;
    const shown = paths.length > 0 ? Buffer.from(redactText(bytes)) : bytes;
    return { ...rest, data: Buffer.from(shown).toString('base64') };
  }
}

function redactParameters(
  parameters: NonNullable<RequestRecord['parameters']>,
  hidden: readonly string[],
  names: (list: readonly string[], name: string) => boolean,
  hide: (text: string) => string,
): object {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      if (names(hidden, name)) return [name, hide(String(value))];
      // JSON has no whole numbers beyond 2^53.
      return [name, typeof value === 'bigint' ? String(value) : value];
    }),
  );
}

/** Whatever the paths lead to is hidden, in every element that `*` stands for; what is not there is no matter. */
export function redactJson(
  value: unknown,
  paths: readonly (readonly string[])[],
  hide: (text: string) => string,
): unknown {
  if (paths.some((path) => path.length === 0)) return hide(JSON.stringify(value));
  if (typeof value !== 'object' || value === null || paths.length === 0) return value;
  const below = (key: string): (readonly string[])[] =>
    paths.filter(([first]) => first === key || first === '*').map((path) => path.slice(1));
  if (Array.isArray(value)) return value.map((inner, index) => redactJson(inner, below(String(index)), hide));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, redactJson(inner, below(key), hide)]));
}
