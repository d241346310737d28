/**
 * JSON as the inference protocol needs it: integers beyond 2^53 survive exactly (as bigint), nesting has a limit.
 * It is not a streaming parser. Invariant: printJson(parseJson(text)) has the same numbers as text.
 */

export interface JsonLimits {
  readonly depthMax: number;
  /** Refuse an object with the same key twice instead of keeping the last; costs a second pass. */
  readonly uniqueKeys?: boolean;
}

/** Throws INVALID_JSON. */
export function parseJson(_text: string, _limits: JsonLimits): unknown {
  throw new Error('not yet');
}

/** bigint is printed as an integer; NaN, Infinity and -Infinity as those words in quotes. */
export function printJson(_value: unknown): string {
  throw new Error('not yet');
}
