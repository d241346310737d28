/** The form that every golden table has, and what running one gives. */

export interface GoldenCase {
  readonly name: string;
  readonly [field: string]: unknown;
}

export interface Table {
  readonly about: Readonly<Record<string, unknown>>;
  readonly cases: readonly GoldenCase[];
}

export interface NamedReason {
  readonly name: string;
  readonly reason: string;
}

export interface TableResult {
  readonly passed: readonly string[];
  readonly failed: readonly NamedReason[];
  readonly skipped: readonly NamedReason[];
}
