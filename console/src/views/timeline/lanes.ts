/** The journal as lanes over time: what stands in which, by which shape it is told, and what is near a moment. Pure. */
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { Span } from '../deployment/range.ts';
import { directionOf } from '../now/lane-marks.ts';

export type Kind = JournalEntryView['kind'];
export type LaneId = 'decisions' | 'replicas' | 'people' | 'alerts';

export const lanes: readonly { readonly id: LaneId; readonly name: string; readonly kinds: readonly Kind[] }[] = [
  { id: 'decisions', name: 'Decisions', kinds: ['decision'] },
  { id: 'replicas', name: 'Replicas, upkeep', kinds: ['replica', 'upkeep', 'journal'] },
  { id: 'people', name: 'People', kinds: ['mode', 'halt', 'approval', 'change'] },
  { id: 'alerts', name: 'Alerts, conditions', kinds: ['alert', 'condition'] },
];

/** In the order of the lanes. */
export const kinds: readonly Kind[] = lanes.flatMap((lane) => lane.kinds);

export const laneOf = (kind: Kind): LaneId => lanes.find((lane) => lane.kinds.includes(kind))?.id ?? 'replicas';

export type Shape = 'up' | 'down' | 'hold' | 'check' | 'dot' | 'ring' | 'block' | 'bar' | 'diamond';

/** As an SVG path around a point. */
export const shapePaths: Readonly<Record<Shape, string>> = {
  up: 'm0-5 5 9h-10z',
  down: 'm0 5 5-9h-10z',
  hold: 'm-4-1.5h8v3h-8z',
  check: 'm-2-2h4v4h-4z',
  dot: 'm-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z',
  ring: 'm-3.5 0a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0-7 0z',
  block: 'm-4-4h8v8h-8z',
  bar: 'm-1-6h2v12h-2z',
  diamond: 'm0-5.5 5.5 5.5-5.5 5.5-5.5-5.5z',
};

/** What is over, or went as it should, is light. */
const isOver = /resolved|ended|release|ready|succeeded/i;
const isBad = /fail|lost|gone|stuck|fired|gap/i;

export function shapeOf({ kind, action }: Pick<JournalEntryView, 'kind' | 'action'>): Shape {
  switch (kind) {
    case 'decision': {
      if (!/→|^hold /.test(action)) return 'check';
      return directionOf(action);
    }
    case 'replica':
    case 'upkeep':
    case 'journal':
      if (isBad.test(action)) return 'block';
      return kind === 'replica' && isOver.test(action) ? 'dot' : 'ring';
    case 'halt':
      return isOver.test(action) ? 'ring' : 'block';
    case 'mode':
    case 'approval':
      return 'diamond';
    case 'change':
      return 'bar';
    case 'alert':
    case 'condition':
      return isOver.test(action) && !isBad.test(action) ? 'ring' : 'block';
  }
}

/** For each shape, all its marks as one path: however many entries there are, a lane is a few elements. */
export function markPaths(
  entries: readonly JournalEntryView[],
  { from, to }: Span,
  width: number,
  y: number,
): readonly { readonly shape: Shape; readonly path: string }[] {
  const drawn = new Map<Shape, Map<number, string>>();
  for (const entry of entries) {
    if (entry.at < from || entry.at > to) continue;
    const shape = shapeOf(entry);
    const x = Math.round(((entry.at - from) / (to - from)) * width);
    const own = drawn.get(shape) ?? new Map<number, string>();
    // Two of a shape within two pixels are one to the eye.
    own.set(x >> 1, `M${x} ${y}${shapePaths[shape]}`);
    drawn.set(shape, own);
  }
  return [...drawn].map(([shape, paths]) => ({ shape, path: [...paths.values()].join('') }));
}

export const inLane = (entries: readonly JournalEntryView[], id: LaneId): readonly JournalEntryView[] =>
  entries.filter(({ kind }) => laneOf(kind) === id);

/** What happened within `reachMs` of a moment, the nearest first. */
export function near(entries: readonly JournalEntryView[], at: number, reachMs: number): readonly JournalEntryView[] {
  const far = (entry: JournalEntryView): number => Math.abs(entry.at - at);
  return entries.filter((entry) => far(entry) <= reachMs).sort((a, b) => far(a) - far(b));
}

export interface Bin extends Span {
  readonly counts: Readonly<Record<LaneId, number>>;
}

/** The window in equal parts, the newest first, with how much of each lane is in them. */
export function bins(entries: readonly JournalEntryView[], { from, to }: Span, parts: number): readonly Bin[] {
  const ms = (to - from) / parts;
  return Array.from({ length: parts }, (_, index) => {
    const start = to - (index + 1) * ms;
    const own = entries.filter(({ at }) => at >= start && at < start + ms);
    const count = (id: LaneId): number => inLane(own, id).length;
    const counts = {
      decisions: count('decisions'),
      replicas: count('replicas'),
      people: count('people'),
      alerts: count('alerts'),
    };
    return { from: start, to: start + ms, counts };
  });
}

/** From which moment on all of a kind is known, of which the newest `asked` were asked for; 0: all of it is. */
export function knownSince(entries: readonly JournalEntryView[], asked: number): number {
  return entries.length < asked ? 0 : entries.reduce((least, { at }) => Math.min(least, at), Infinity);
}

/** The entry by which this one was caused, where it says so: what came of a decision names the decision. */
export function causeOf({ details }: Pick<JournalEntryView, 'details'>): number | undefined {
  if (typeof details !== 'object' || details === null) return undefined;
  const { of } = details as { readonly of?: unknown };
  return typeof of === 'number' && Number.isSafeInteger(of) && of > 0 ? of : undefined;
}

/** Each word must be somewhere in what is read of an entry. */
export function says(entry: JournalEntryView, text: string): boolean {
  const { id, kind, action, subject, by, reason } = entry;
  const all = [`#${id}`, kind, action, subject, by, reason].join(' ').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}
