/**
 * A YAML text checked against a schema, with every problem at its line and column. Nothing is read from disk here.
 * Limits: one document, at most `textBytesMax`, aliases expanded at most 100 times (no "billion laughs").
 */
import { isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';
import type * as z from 'zod';
import { toProblems, type ConfigurationProblem } from './problems.ts';

export const textBytesMax = 4 * 1024 * 1024;

export type Checked<Value> =
  | { readonly kind: 'valid'; readonly value: Value; /** As written, without defaults. */ readonly written: unknown }
  | { readonly kind: 'invalid'; readonly problems: readonly ConfigurationProblem[] };

/** `check` finds what a schema cannot say; it sees only values that the schema has passed. */
export function checkYaml<Schema extends z.ZodType>(
  text: string,
  schema: Schema,
  check: (value: z.output<Schema>) => readonly ConfigurationProblem[] = () => [],
): Checked<z.output<Schema>> {
  if (Buffer.byteLength(text) > textBytesMax) {
    return invalid([{ path: [], text: `expected at most ${textBytesMax} bytes, got ${Buffer.byteLength(text)}` }]);
  }
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, merge: true, prettyErrors: false });
  if (document.errors.length > 0) {
    return invalid(
      document.errors.map(({ message, pos }) => {
        const { line, col } = counter.linePos(pos[0]);
        return { path: [], text: `not YAML: ${message}`, line, column: col };
      }),
    );
  }
  let data: unknown;
  try {
    data = document.toJS() ?? {};
  } catch (error) {
    return invalid([{ path: [], text: `not YAML: ${error instanceof Error ? error.message : String(error)}` }]);
  }
  const parsed = schema.safeParse(data);
  const problems = parsed.success ? check(parsed.data) : toProblems(schema, data, parsed.error.issues);
  if (problems.length > 0 || !parsed.success)
    return invalid(problems.map((problem) => locate(document, counter, problem)));
  return { kind: 'valid', value: parsed.data, written: data };
}

function invalid(problems: readonly ConfigurationProblem[]): {
  kind: 'invalid';
  problems: readonly ConfigurationProblem[];
} {
  return { kind: 'invalid', problems };
}

/** Adds the place of the key, or of the nearest one above it when the key itself is not in the text. */
function locate(document: Document, counter: LineCounter, problem: ConfigurationProblem): ConfigurationProblem {
  let node: unknown = document.contents;
  let offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  for (const key of problem.path) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(key));
      if (pair === undefined) break;
      offset = isNode(pair.key) ? (pair.key.range?.[0] ?? offset) : offset;
      node = pair.value;
    } else if (isSeq(node) && typeof key === 'number') {
      node = node.items[key];
      offset = isNode(node) ? (node.range?.[0] ?? offset) : offset;
    } else {
      break;
    }
  }
  const { line, col } = counter.linePos(offset);
  return { ...problem, line, column: col };
}
