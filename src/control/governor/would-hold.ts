/** What the reference policies would have held at the last look, as the series records it: a column for each. */
import type { ReferenceColumn } from '../../series/columns.ts';
import type { LastLook } from './governed.ts';

export type WouldHold = Readonly<Record<ReferenceColumn, number>>;

/** After so long without a look nothing is known of what they would hold now. */
const freshMs = 30_000;

const policyOf: Readonly<Record<ReferenceColumn, string>> = {
  ifHpa: 'hpa',
  ifKpa: 'kpa',
  ifRay: 'ray',
  ifThresholds: 'thresholds',
};

/** NaN for one that gave no sound answer; undefined: nobody has looked lately. */
export function wouldHold(last: LastLook | undefined, wallMs: number): WouldHold | undefined {
  if (last === undefined || wallMs - last.wallMs > freshMs) return undefined;
  const targets = new Map(last.thought.others().map(({ policy, target }) => [policy, target]));
  const of = (column: ReferenceColumn): number => targets.get(policyOf[column]) ?? Number.NaN;
  return { ifHpa: of('ifHpa'), ifKpa: of('ifKpa'), ifRay: of('ifRay'), ifThresholds: of('ifThresholds') };
}
