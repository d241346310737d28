/**
 * Protocol Buffers' text format (`config.pbtxt`), read into fields with their places. It knows the grammar and no
 * schema: what a field may hold is for whoever asked. Pure and total: any text gives fields or one problem.
 *
 *   message = { field [ "," | ";" ] }
 *   field   = identifier ( ":" ( scalar | list | message ) | message | list of messages )
 *   message = "{" … "}" | "<" … ">"            list = "[" [ value { "," value } ] "]"
 *   scalar  = string { string } | [ "-" ] ( number | identifier )          comments run from # to the end of the line
 *
 * Not read, and said so: extensions and `Any` in brackets, which no configuration uses.
 */
import type { ConfigurationProblem } from '../config/problems.ts';

export interface Place {
  /** From 1, both; columns count UTF-16 units as editors do. */
  readonly line: number;
  readonly column: number;
}

export type TextValue =
  | { readonly kind: 'message'; readonly fields: readonly TextField[] }
  /** `[ ]`: no value at all, but the field was named. */
  | { readonly kind: 'nothing' }
  | { readonly kind: 'string'; readonly value: string }
  /** As written, with its sign: `-1`, `0x1F`, `1.5e3f`. */
  | { readonly kind: 'number'; readonly text: string }
  /** true, TYPE_FP32, inf; with a sign only `-inf` and `-nan`. */
  | { readonly kind: 'identifier'; readonly text: string };

export interface TextField {
  readonly name: string;
  readonly place: Place;
  readonly value: TextValue;
  readonly valuePlace: Place;
}

export type ParsedText =
  | { readonly kind: 'fields'; readonly fields: readonly TextField[] }
  | { readonly kind: 'problem'; readonly problem: ConfigurationProblem };

/** Far beyond any configuration, and small enough that reading it cannot hurt. */
export const textFormatBytesMax = 1_048_576;
const depthMax = 64;
const shownMax = 40;

interface Token {
  readonly kind: 'identifier' | 'number' | 'string' | 'symbol' | 'end';
  /** As written; of a string its content. */
  readonly text: string;
  readonly place: Place;
}

/** Carries the problem out of the recursion; never leaves this file. */
class Unreadable extends Error {
  readonly place: Place;

  constructor(text: string, place: Place) {
    super(text);
    this.place = place;
  }
}

export function parseTextFormat(text: string): ParsedText {
  const bytes = Buffer.byteLength(text);
  if (bytes > textFormatBytesMax) {
    return {
      kind: 'problem',
      problem: { path: [], text: `expected at most ${textFormatBytesMax} bytes, got ${bytes}` },
    };
  }
  try {
    return { kind: 'fields', fields: parseAll(text) };
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error;
    return { kind: 'problem', problem: { path: [], text: error.message, ...error.place } };
  }
}

function parseAll(text: string): TextField[] {
  const next = tokens(text);
  let token = next();
  const advance = (): Token => {
    const taken = token;
    token = next();
    return taken;
  };
  const isSymbol = (symbol: string): boolean => token.kind === 'symbol' && token.text === symbol;
  const fail = (expected: string): never => {
    throw new Unreadable(`expected ${expected}, got ${inWords(token)}`, token.place);
  };

  function fields(close: string | undefined, depth: number): TextField[] {
    if (depth > depthMax) throw new Unreadable(`expected at most ${depthMax} messages in one another`, token.place);
    const found: TextField[] = [];
    while (close === undefined ? token.kind !== 'end' : !isSymbol(close)) {
      if (isSymbol('[')) fail('the name of a field (extensions in brackets are not read)');
      if (token.kind !== 'identifier')
        fail(close === undefined ? 'the name of a field' : `the name of a field or ${close}`);
      field(found, depth);
      if (isSymbol(',') || isSymbol(';')) advance();
    }
    if (close !== undefined) advance();
    return found;
  }

  function field(into: TextField[], depth: number): void {
    const { text: name, place } = advance();
    const colon = isSymbol(':');
    if (colon) advance();
    if (isSymbol('[')) {
      const { place: valuePlace } = advance();
      if (isSymbol(']')) into.push({ name, place, valuePlace, value: { kind: 'nothing' } });
      while (!isSymbol(']')) {
        // Without a colon only messages may follow.
        if (!colon && !isSymbol('{') && !isSymbol('<'))
          fail(`{ of a message in ${name} (scalars need a colon: ${name}: [ … ])`);
        into.push({ name, place, valuePlace: token.place, value: value(name, depth) });
        if (isSymbol(',')) {
          advance();
          if (isSymbol(']')) fail('a value after the comma');
        } else if (!isSymbol(']')) fail(', or ]');
      }
      advance();
      return;
    }
    if (!colon && !isSymbol('{') && !isSymbol('<')) fail(`: or { after ${name}`);
    into.push({ name, place, valuePlace: token.place, value: value(name, depth) });
  }

  function value(name: string, depth: number): TextValue {
    if (isSymbol('{') || isSymbol('<')) {
      const close = advance().text === '{' ? '}' : '>';
      return { kind: 'message', fields: fields(close, depth + 1) };
    }
    if (token.kind === 'string') {
      let whole = '';
      // Neighbours are one string, as in C.
      while (token.kind === 'string') whole += advance().text;
      return { kind: 'string', value: whole };
    }
    const sign = isSymbol('-') ? advance().text : '';
    if (token.kind === 'number') return { kind: 'number', text: sign + advance().text };
    const isFloat = token.kind === 'identifier' && /^(?:inf|infinity|nan)$/i.test(token.text);
    if (token.kind === 'identifier' && (sign === '' || isFloat)) {
      return { kind: 'identifier', text: sign + advance().text };
    }
    return fail(sign === '' ? `a value of ${name}` : 'a number after -');
  }

  return fields(undefined, 0);
}

function inWords({ kind, text }: Token): string {
  if (kind === 'end') return 'the end of the file';
  const shown = text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
  return kind === 'string' ? JSON.stringify(shown) : shown;
}

const identifier = /[A-Za-z_][A-Za-z0-9_]*/y;
const number = /0[xX][0-9a-fA-F]+|(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?[fF]?/y;
const blank = /(?:[ \t\r\n\v\f]|#[^\n]*)+/y;

/** Gives one token after another, `end` for ever at the end. */
function tokens(text: string): () => Token {
  let at = text.startsWith('\uFEFF') ? 1 : 0;
  let line = 1;
  let lineStart = at;
  const placeOf = (index: number): Place => ({ line, column: index - lineStart + 1 });
  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at;
    const found = pattern.exec(text)?.[0];
    at += found?.length ?? 0;
    return found;
  };

  return () => {
    const from = at;
    const skipped = take(blank) ?? '';
    for (let index = skipped.indexOf('\n'); index !== -1; index = skipped.indexOf('\n', index + 1)) {
      line += 1;
      lineStart = from + index + 1;
    }
    const place = placeOf(at);
    const character = text[at];
    if (character === undefined) return { kind: 'end', text: '', place };
    if (character === '"' || character === "'") {
      const end = closingQuote(text, at, place);
      const content = unescape(text.slice(at + 1, end), (index) => placeOf(at + 1 + index));
      at = end + 1;
      return { kind: 'string', text: content, place };
    }
    const word = take(identifier);
    if (word !== undefined) return { kind: 'identifier', text: word, place };
    const digits = take(number);
    if (digits !== undefined) {
      if (/[A-Za-z0-9_]/.test(text[at] ?? '')) {
        throw new Unreadable(`expected a number, got ${digits}${take(/[A-Za-z0-9_.]{1,20}/y) ?? ''}`, place);
      }
      return { kind: 'number', text: digits, place };
    }
    if ('{}<>[]:,;-'.includes(character)) {
      at += 1;
      return { kind: 'symbol', text: character, place };
    }
    const shown = String.fromCodePoint(text.codePointAt(at) ?? 0);
    throw new Unreadable(
      `expected a field, a value or a comment that begins with #, got ${JSON.stringify(shown)}`,
      place,
    );
  };
}

function closingQuote(text: string, open: number, place: Place): number {
  const quote = text[open];
  for (let at = open + 1; at < text.length && text[at] !== '\n'; at += 1) {
    if (text[at] === '\\') at += 1;
    else if (text[at] === quote) return at;
  }
  throw new Unreadable(`expected ${quote} at the end of the string, got the end of the line`, place);
}

const simpleEscapes: Readonly<Record<string, string>> = {
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '?': '?',
  '\\': '\\',
  "'": "'",
  '"': '"',
};

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Octal and hexadecimal escapes are bytes of UTF-8, `\u` and `\U` are characters. */
function unescape(raw: string, placeOf: (index: number) => Place): string {
  if (!raw.includes('\\')) return raw;
  const parts: Buffer[] = [];
  const pattern = /[^\\]+|\\([0-7]{1,3}|[xX][0-9a-fA-F]{1,2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)/gsu;
  for (const match of raw.matchAll(pattern)) {
    const escape = match[1];
    if (escape === undefined) {
      parts.push(Buffer.from(match[0]));
      continue;
    }
    const code = /^[0-7]/.test(escape) ? Number.parseInt(escape, 8) : Number.parseInt(escape.slice(1), 16);
    const simple = Object.hasOwn(simpleEscapes, escape) ? simpleEscapes[escape] : undefined;
    const isByte = /^(?:[0-7]|[xX].)/.test(escape) && code <= 255;
    const isCharacter = /^[uU].{4}/.test(escape) && code <= 0x10_ff_ff && !(code >= 0xd800 && code <= 0xdfff);
    if (simple !== undefined) parts.push(Buffer.from(simple));
    else if (isByte) parts.push(Buffer.from([code]));
    else if (isCharacter) parts.push(Buffer.from(String.fromCodePoint(code)));
    else throw new Unreadable(`expected an escape such as \\n, \\" or \\x41, got \\${escape}`, placeOf(match.index));
  }
  try {
    return utf8.decode(Buffer.concat(parts));
  } catch {
    throw new Unreadable('expected escapes that make UTF-8 together, got bytes that do not', placeOf(0));
  }
}
