/** Runs the cases of a table that need nothing but functions: one check a kind, which throws where a case differs. */
import assert from 'node:assert/strict';
import type { GoldenCase, NamedReason, Table, TableResult } from './table.ts';

export type Check<Case extends GoldenCase = GoldenCase> = (golden: Case) => void;

/** The table's own form is trusted: a field that is not there fails the case. */
// oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- it names the fields where the check is written
export const check = <Fields extends object>(body: (golden: GoldenCase & Fields) => void): Check =>
  body as unknown as Check;

export function runChecks(table: Table, checks: Readonly<Record<string, Check>>): TableResult {
  const passed: string[] = [];
  const failed: NamedReason[] = [];
  const skipped: NamedReason[] = [];
  for (const golden of table.cases) {
    const kind = String(golden['kind']);
    const body = checks[kind];
    if (body === undefined) {
      skipped.push({ name: golden.name, reason: `no check for the kind ${kind}` });
      continue;
    }
    try {
      body(golden);
      passed.push(golden.name);
    } catch (error) {
      failed.push({
        name: golden.name,
        reason: error instanceof Error ? error.message.replaceAll('\n', ' ') : 'thrown',
      });
    }
  }
  return { passed, failed, skipped };
}

/** Relative within `tolerance`; null stands for what is not there, infinite or no number. */
export function assertClose(actual: number, expected: number | null, tolerance = 1e-9, what = 'value'): void {
  if (expected === null) {
    assert.ok(!Number.isFinite(actual), `${what} is ${actual}, expected none`);
    return;
  }
  const far = Math.abs(actual - expected) > tolerance * Math.max(Math.abs(expected), Number.MIN_VALUE);
  assert.ok(!far && !Number.isNaN(actual), `${what} is ${actual}, expected ${expected}`);
}
