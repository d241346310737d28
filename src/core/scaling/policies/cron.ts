/**
 * A schedule: from `start` to `end` at least `count` units, as KEDA's cron scaler has it (docs, "Cron"): inside a window
 * when its end comes before its next start. Of several windows the largest counts; outside all of them `otherwise`.
 */
import { nextAfter, readCron, type Cron } from './cron-expression.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';
import type { Policy, PolicyDefinition } from '../policy.ts';

interface Window {
  readonly name: string;
  readonly start: Cron;
  readonly end: Cron;
  readonly count: number;
}

function readWindows(value: unknown): readonly Window[] {
  if (!Array.isArray(value)) throw new TypeError('expected a list of windows, each of start, end and count');
  return value.map((window: unknown) => {
    const { start, end, count } = (window ?? {}) as Record<string, unknown>;
    if (typeof start !== 'string' || typeof end !== 'string' || !Number.isInteger(count) || (count as number) < 0)
      throw new TypeError(`a window is ${JSON.stringify(window)}, expected cron expressions start and end, and count`);
    return { name: `${start} to ${end}`, start: readCron(start), end: readCron(end), count: count as number };
  });
}

const parameters = {
  windows: { kind: 'structure', default: [], about: 'Windows of start, end (cron, UTC) and count.', read: readWindows },
  otherwise: { kind: 'number', default: 1, min: 0, max: 100_000, whole: true, about: 'Units outside of all windows.' },
} as const satisfies ParameterTable;

/** What holds until the next edge, in wall-clock milliseconds. */
interface Held {
  readonly from: number;
  readonly until: number;
  readonly count: number;
  readonly because: string;
}

function look(set: Parameters<typeof parameters>, wallMs: number): Held {
  const windows = set.windows.map(({ name, start, end, count }) => {
    const [begins, ends] = [nextAfter(start, wallMs), nextAfter(end, wallMs)];
    return { name, count, edge: Math.min(begins, ends), open: ends < begins };
  });
  const open = windows.filter((window) => window.open);
  const most = open.reduce((best, window) => Math.max(best, window.count), 0);
  return {
    from: wallMs,
    until: Math.min(Number.POSITIVE_INFINITY, ...windows.map(({ edge }) => edge)),
    count: open.length === 0 ? set.otherwise : most,
    because: open.find(({ count }) => count === most)?.name ?? '',
  };
}

const unknown: Held = { from: 0, until: 0, count: 0, because: '' };

function create(set: Parameters<typeof parameters>): Policy<Held> {
  return {
    name: 'cron',
    start: () => unknown,
    step: (before, { wallMs }) => {
      // A wall clock may jump back: then everything is looked up anew.
      const state = wallMs >= before.from && wallMs < before.until ? before : look(set, wallMs);
      const { count, because } = state;
      const reason = (): string => (because === '' ? `${count} outside of all windows` : `${count} from ${because}`);
      return { state, proposal: { target: count, reason } };
    },
  };
}

export const cron: PolicyDefinition<typeof parameters> = {
  name: 'cron',
  layout: 1,
  summary: 'A schedule of counts.',
  source: 'POSIX crontab; KEDA documentation, cron scaler.',
  parameters,
  create,
};
