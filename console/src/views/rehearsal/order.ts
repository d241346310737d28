/** The table of policies: its columns, and the rows in the order of one of them. Pure. */
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import type { Unit } from '../../format/quantity.ts';
import { sorted } from '../../parts/sorting.ts';
import type { PolicyRow, Rehearsal } from './kinds.ts';

export interface Column {
  readonly id: string;
  readonly title: string;
  readonly about: string;
  readonly unit: Unit;
  readonly value: (row: PolicyRow) => number | null;
}

export function columnsOf({ report }: Pick<Rehearsal, 'report'>): readonly Column[] {
  const bound = report.clairvoyant.replicaSeconds;
  return [
    {
      id: 'missed',
      title: 'Missed',
      about: 'answered after the objective, or never',
      unit: 'share',
      value: ({ violationFraction }) => violationFraction,
    },
    {
      id: 'shed',
      title: 'Shed',
      about: 'never computed: refused, expired or lost',
      unit: 'share',
      value: ({ shedFraction }) => shedFraction,
    },
    { id: 'p50', title: 'p50', about: 'median of what was computed', unit: 'ms', value: ({ p50Ms }) => p50Ms },
    { id: 'p99', title: 'p99', about: '99 of 100 were at most this', unit: 'ms', value: ({ p99Ms }) => p99Ms },
    {
      id: 'hours',
      title: 'Replica-hours',
      about: 'from the order of each replica to its end',
      // The heading has the unit.
      unit: 'count',
      value: ({ replicaSeconds }) => replicaSeconds / 3600,
    },
    {
      id: 'cost',
      title: 'Cost',
      about: 'replica-hours times their price',
      unit: { currency: '' },
      value: ({ cost }) => cost,
    },
    { id: 'actions', title: 'Actions', about: 'changes of target', unit: 'count', value: ({ actions }) => actions },
    {
      id: 'flaps',
      title: 'Flaps',
      about: 'changes in the other direction than the one before',
      unit: 'count',
      value: ({ flaps }) => flaps,
    },
    {
      id: 'bound',
      title: '× bound',
      about: 'replica-hours over those of somebody who knew the future',
      unit: 'times',
      value: ({ replicaSeconds }) => (bound > 0 ? replicaSeconds / bound : null),
    },
  ];
}

export interface Ordered {
  /** Of the report. */
  readonly index: number;
  readonly row: PolicyRow;
  readonly label: string;
  readonly keeps: boolean;
}

/** `by`: a column's id, or `policy`; what is not known comes last, whichever way. */
export function ordered(
  rehearsal: Pick<Rehearsal, 'report' | 'tolerated'>,
  by: string,
  descending: boolean,
): readonly Ordered[] {
  const rows = rehearsal.report.policies.map((row, index) => ({
    index,
    row,
    label: labelOf(row),
    keeps: row.violationFraction <= rehearsal.tolerated,
  }));
  const column = columnsOf(rehearsal).find(({ id }) => id === by);
  if (by === 'policy') return sorted(rows, ({ label }) => label, descending);
  return sorted(rows, column && (({ row }) => column.value(row)), descending);
}
