/**
 * Lists of names with settings, as options take them: `slo,hpa:cpuPercent=70,tolerance=0.05,ray`. A word with `=` and
 * without a name before it belongs to the name before; commas in brackets and quotes are part of a value.
 */
import type { Named } from '../rehearsal/plan/ask.ts';
import { UsageError } from './exit-codes.ts';

export function parseNamedList(text: string, what: string): readonly Named[] {
  const list: { name: string; given: Record<string, unknown> }[] = [];
  for (const word of split(text, what)) {
    const match = /^(?:([a-z][a-z0-9-]*)(?::|$))?(?:([A-Za-z]\w*)=([^]*))?$/.exec(word);
    const [, name, key, value] = match ?? [];
    if (match === null || (name === undefined && key === undefined) || (word.endsWith(':') && key === undefined))
      throw new UsageError(`${what} expects NAME or NAME:KEY=VALUE with commas between them, got ${word || 'nothing'}`);
    if (name !== undefined) list.push({ name, given: {} });
    const last = list.at(-1);
    if (last === undefined) throw new UsageError(`${what} expects a name before ${word}, such as hpa:${word}`);
    if (key !== undefined) last.given[key] = valueOf(value ?? '');
  }
  return list;
}

function split(text: string, what: string): readonly string[] {
  const words: string[] = [];
  let depth = 0;
  let isQuoted = false;
  let word = '';
  for (const character of text) {
    if (character === '"') isQuoted = !isQuoted;
    if (!isQuoted && (character === '[' || character === '{')) depth += 1;
    if (!isQuoted && (character === ']' || character === '}')) depth -= 1;
    if (character === ',' && depth === 0 && !isQuoted) {
      words.push(word.trim());
      word = '';
    } else word += character;
  }
  if (depth !== 0 || isQuoted) throw new UsageError(`${what}: a bracket or a quote is not closed in ${text}`);
  return [...words, word.trim()];
}

/** Numbers, true, false and JSON as such; anything else is a word. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
