/**
 * JSON as the inference protocol needs it: integers beyond 2^53 survive exactly (as bigint), nesting has a limit.
 * It is not a streaming parser: the engine's own does the work, and this file only finds out whether it may.
 * Invariant: every integer of the text is the same integer in the value; nothing but INVALID_JSON is thrown.
 */
import { isUtf8 } from 'node:buffer';
import { FlyballError } from '../errors.ts';

export interface JsonLimits {
  readonly depthMax: number;
  /** Refuse an object with the same key twice instead of keeping the last; costs a second pass. */
  readonly uniqueKeys?: boolean;
}

const quote = 0x22;
const backslash = 0x5c;

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39;

/**
 * Whether an integer of 16 or more digits may stand in the text (2^53 has 16). Looks at each 16th character only: a run
 * that long cannot hide between two looks. Digits after a point or before an exponent are no integer.
 */
function hasLongInteger(text: string): boolean {
  const end = text.length;
  for (let look = 15; look < end; look += 16) {
    if (!isDigit(text.charCodeAt(look))) continue;
    let from = look;
    while (from > 0 && isDigit(text.charCodeAt(from - 1))) from--;
    let to = look + 1;
    while (to < end && isDigit(text.charCodeAt(to))) to++;
    if (to - from >= 16) {
      const before = from > 0 ? text[from - 1] : '';
      const after = to < end ? text[to] : '';
      if (before !== '.' && after !== '.' && after !== 'e' && after !== 'E') return true;
    }
    look = to;
  }
  return false;
}

/** At most `max` brackets open anywhere; hops from bracket to bracket, so flat data costs next to nothing. */
function hasFewBrackets(text: string, max: number): boolean {
  let left = max;
  for (const bracket of ['[', '{']) {
    for (let at = text.indexOf(bracket); at !== -1; at = text.indexOf(bracket, at + 1)) {
      if (left-- === 0) return false;
    }
  }
  return true;
}

/** Index after the string whose opening quote is at `at`. */
function afterString(text: string, at: number): number {
  let next = at + 1;
  while (next < text.length) {
    const code = text.charCodeAt(next);
    if (code === backslash) next += 2;
    else if (code === quote) return next + 1;
    else next++;
  }
  return next;
}

function checkDepth(text: string, depthMax: number): void {
  if (hasFewBrackets(text, depthMax)) return;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === quote) at = afterString(text, at) - 1;
    else if (code === 0x5b || code === 0x7b) {
      depth++;
      if (depth > depthMax) {
        throw new FlyballError(
          'INVALID_JSON',
          `expected at most ${depthMax} levels of nesting (limits.jsonDepthMax), got more at character ${at}`,
        );
      }
    } else if (code === 0x5d || code === 0x7d) depth--;
  }
}

/** Only for text that has been parsed already, so it may trust the grammar. */
function checkUniqueKeys(text: string): void {
  /** One set an open object, undefined an open array. */
  const open: (Set<string> | undefined)[] = [];
  let keyNext = false;
  for (let at = 0; at < text.length; at++) {
    const char = text[at];
    if (char === '"') {
      const after = afterString(text, at);
      if (keyNext) {
        const key = String(JSON.parse(text.slice(at, after)));
        const keys = open.at(-1);
        if (keys?.has(key) === true) {
          throw new FlyballError(
            'INVALID_JSON',
            `expected each key once in an object, got ${JSON.stringify(key)} twice`,
          );
        }
        keys?.add(key);
        keyNext = false;
      }
      at = after - 1;
    } else if (char === '{') {
      open.push(new Set());
      keyNext = true;
    } else if (char === '[') {
      open.push(undefined);
      keyNext = false;
    } else if (char === '}' || char === ']') {
      open.pop();
      keyNext = false;
    } else if (char === ',') keyNext = open.at(-1) !== undefined;
  }
}

const integer = /^-?\d+$/;

function exactIntegers(_key: string, value: unknown, context?: { readonly source?: string }): unknown {
  if (typeof value !== 'number' || Number.isSafeInteger(value)) return value;
  const source = context?.source;
  return source !== undefined && integer.test(source) ? BigInt(source) : value;
}

/** Throws INVALID_JSON. A `__proto__` key becomes an ordinary own property. */
export function parseJson(text: string, limits: JsonLimits): unknown {
  checkDepth(text, limits.depthMax);
  let value: unknown;
  try {
    // The reviver is called for every value, so it is used only where it can matter.
    value = hasLongInteger(text) ? JSON.parse(text, exactIntegers) : JSON.parse(text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new FlyballError('INVALID_JSON', `expected JSON: ${reason}`, { cause: error });
  }
  if (limits.uniqueKeys === true) checkUniqueKeys(text);
  return value;
}

/** The same for bytes, which must be UTF-8. */
export function parseJsonBytes(bytes: Uint8Array, limits: JsonLimits): unknown {
  if (bytes.byteLength === 0) throw new FlyballError('INVALID_JSON', 'expected JSON, got an empty body');
  if (!isUtf8(bytes)) throw new FlyballError('INVALID_JSON', 'expected JSON in UTF-8, got bytes that are not UTF-8');
  return parseJson(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'), limits);
}

/** JSON.rawJSON is in the engine; its type is not in the library of the compiler yet. */
const { rawJSON } = JSON as unknown as { rawJSON: (text: string) => unknown };

function printable(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return rawJSON(value.toString());
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  return value;
}

/**
 * bigint is printed as an integer. NaN, Infinity and -Infinity, which JSON does not have, are printed as those words in
 * quotes, as the JSON mapping of protobuf has them; tensors of floats are read back from the same words.
 */
export function printJson(value: unknown): string {
  return JSON.stringify(value, printable) ?? 'null';
}
