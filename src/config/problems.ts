/**
 * What is wrong with a configuration file, as people like to read it: place, key, what was expected, what came, and the
 * nearest valid key. Every problem is listed, not only the first.
 */
import type * as z from 'zod';
import { didYouMean } from './nearest.ts';
import { childrenOf, factsOf, listedValues, schemaAt, typeInWords, type Schema } from './schema-walk.ts';

export interface ConfigurationProblem {
  /** Keys from the top of the file. */
  readonly path: readonly PropertyKey[];
  /** What is wrong, without place and path. */
  readonly text: string;
  /** From 1; absent when the place is not known. */
  readonly line?: number;
  readonly column?: number;
}

/** zod's issues, each in words. */
export function toProblems(schema: Schema, data: unknown, issues: readonly z.core.$ZodIssue[]): ConfigurationProblem[] {
  return issues.flatMap((issue) => problemsOf(schema, data, issue));
}

function problemsOf(schema: Schema, data: unknown, issue: z.core.$ZodIssue): ConfigurationProblem[] {
  const { path } = issue;
  if (issue.code === 'unrecognized_keys') {
    const valid = validKeys(schema, path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      text: `unknown key${didYouMean(key, valid) || `; expected ${valid.join(', ')}`}`,
    }));
  }
  const value = valueAt(data, path);
  const came = value === undefined ? 'is missing' : `got ${withoutPassword(inWords(value))}`;
  if (issue.code === 'invalid_key') {
    const key = String(path.at(-1));
    return [{ path, text: `${issue.issues[0]?.message ?? issue.message}, got ${JSON.stringify(key)}` }];
  }
  const own = issue.code === 'custom' || (issue.code === 'invalid_format' && !issue.message.startsWith('Invalid'));
  if (own) return [{ path, text: isPlain(value) ? `${issue.message}, ${came}` : issue.message }];
  const there = schemaAt(schema, path);
  if (!('found' in there)) return [{ path, text: `${issue.message}, ${came}` }];
  const near = typeof value === 'string' ? didYouMean(value, listedValues(there.found)) : '';
  const expected = `expected ${typeInWords(there.found)}`;
  return [{ path, text: value === undefined ? `${came}; ${expected}` : `${expected}, ${came}${near}` }];
}

/** Messages go to logs; a URL may have a password in it that was not to stand there. */
const withoutPassword = (text: string): string => text.replace(/(:\/\/[^:@/\s]*):[^]*@/, '$1:…@');

/** Keys that may stand at a path; empty when any name may. */
function validKeys(schema: Schema, path: readonly PropertyKey[]): readonly string[] {
  const there = schemaAt(schema, path);
  if (!('found' in there)) return [];
  return childrenOf(factsOf(there.found).core).map(({ key }) => key);
}

export function valueAt(data: unknown, path: readonly PropertyKey[]): unknown {
  let value = data;
  for (const key of path) {
    if (value === null || typeof value !== 'object' || !Object.hasOwn(value, key)) return undefined;
    value = (value as Record<PropertyKey, unknown>)[key];
  }
  return value;
}

const isPlain = (value: unknown): boolean => value === null || typeof value !== 'object';

const shownMax = 60;

function inWords(value: unknown): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object') return 'a mapping';
  const text = JSON.stringify(value);
  return text.length > shownMax ? `${text.slice(0, shownMax)}…` : text;
}

/** deployments.digits.replicas.min, models.a.aliases.b, warmUp.samples[2] */
export function pathInWords(path: readonly PropertyKey[]): string {
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at === 0 ? '' : '.'}${String(key)}`))
    .join('');
}

/** One line each, in the order of the file: `flyball.yaml:12:5: deployments.digits.replica: unknown key; …`. */
export function problemsInWords(file: string, problems: readonly ConfigurationProblem[]): string {
  const sorted = problems.toSorted(
    (left, right) => (left.line ?? 0) - (right.line ?? 0) || (left.column ?? 0) - (right.column ?? 0),
  );
  const lines = sorted.map(({ path, text, line, column }) => {
    const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
    return [place, ...(path.length === 0 ? [] : [pathInWords(path)]), text].join(': ');
  });
  return lines.length < 2 ? lines.join('') : [`${file} has ${lines.length} problems`, ...lines].join('\n  ');
}
