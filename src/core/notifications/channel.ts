/**
 * One channel's way from events to messages: a pure machine of values; times are steady milliseconds given by the caller.
 *
 *   event ─wanted?─▶ group (per deployment and kind, waits `groupMs`) ─place free?─▶ in hand ─sent─▶ told
 *            │               │ waited a minute for a place                             │  └─failed─▶ again later
 *            │ told lately   ▼                                                         ▼ refused, or too long ago
 *            └─▶ quiet    left out: counted, told with the next message ◀──────── undelivered
 *
 * Laws: no more than `perMinuteMax` attempts in any minute. Every event that was wanted is told, quiet, left out,
 * undelivered, or still waits. Events of one message are in the journal's order, and so are messages about one thing.
 */
import { isWanted, rankOf, type EventKind, type Interest, type NotificationEvent, type Severity } from './event.ts';

export interface ChannelSettings extends Interest {
  /** Whether the end of what was told is told too. */
  readonly resolved: boolean;
  /** Events of one deployment and kind that come within this of the first go together. */
  readonly groupMs: number;
  readonly perMinuteMax: number;
  /** The same of the same is not told again within this. */
  readonly repeatMs: number;
  /** A message that cannot be delivered for this long is given up. */
  readonly giveUpMs: number;
}

/** An event as it waits, and how often it came again since it was told last. */
export interface Waiting {
  readonly event: NotificationEvent;
  readonly repeats: number;
}

export interface Group {
  readonly kind: EventKind;
  readonly deployment?: string;
  readonly severity: Severity;
  /** The first few, in order; `more` were not kept. */
  readonly waiting: readonly Waiting[];
  readonly more: number;
  readonly dueAt: number;
  /** Since when it has waited for a place in the minute. */
  readonly heldSince?: number;
}

/** Events of which no message tells more than how many they were. */
export type LeftOut = Readonly<Partial<Record<EventKind, number>>>;

export interface Message {
  readonly id: number;
  /** Absent in one that tells only of what was left out. */
  readonly group?: Group;
  readonly leftOut: LeftOut;
}

export interface InHand {
  readonly message: Message;
  readonly firstAt: number;
  readonly attempts: number;
  /** Not before then. */
  readonly nextAt: number;
  readonly why?: string;
}

export interface Counts {
  /** Events that were wanted here. */
  readonly taken: number;
  readonly told: number;
  readonly quiet: number;
  readonly leftOut: number;
  readonly undelivered: number;
  /** Messages. */
  readonly sent: number;
}

interface Told {
  readonly title: string;
  readonly at: number;
  readonly repeats: number;
}

/** Plain JSON. */
export interface ChannelState {
  readonly groups: readonly Group[];
  /** What has begun and was taken: its end is told. By key. */
  readonly open: Readonly<Record<string, true>>;
  readonly told: Readonly<Record<string, Told>>;
  readonly leftOut: LeftOut;
  readonly inHand?: InHand;
  /** Attempts within the last minute. */
  readonly tries: readonly number[];
  readonly pausedUntil: number;
  readonly nextId: number;
  readonly counts: Counts;
}

export const emptyChannel: ChannelState = {
  groups: [],
  open: {},
  told: {},
  leftOut: {},
  tries: [],
  pausedUntil: 0,
  nextId: 1,
  counts: { taken: 0, told: 0, quiet: 0, leftOut: 0, undelivered: 0, sent: 0 },
};

const minuteMs = 60_000;
/** Groups that wait; an event for one more is left out. */
export const groupsMax = 200;
/** Events that one message shows. */
export const shownMax = 10;
/** Keys that are remembered, to know repeats and ends by. */
const keysMax = 1000;
const backOffFirstMs = 1000;
export const backOffMaxMs = 300_000;

/** An event comes. `forced`: it is told whatever the channel wants to know (a playbook names the channel). */
export function take(
  state: ChannelState,
  settings: ChannelSettings,
  event: NotificationEvent,
  at: number,
  forced = false,
): ChannelState {
  const { key, title } = event;
  const before = Object.hasOwn(state.told, key) ? state.told[key] : undefined;
  if (event.state === 'ended') {
    if (!Object.hasOwn(state.open, key)) return state;
    const { [key]: _open, ...open } = state.open;
    const { [key]: _told, ...told } = state.told;
    const closed = { ...state, open, told };
    return settings.resolved ? group(closed, settings, { event, repeats: before?.repeats ?? 0 }, at) : closed;
  }
  if (!forced && !isWanted(settings, event)) return state;
  if (before?.title === title && at - before.at < settings.repeatMs) {
    const { counts } = state;
    return {
      ...state,
      told: { ...state.told, [key]: { ...before, repeats: before.repeats + 1 } },
      counts: { ...counts, taken: counts.taken + 1, quiet: counts.quiet + 1 },
    };
  }
  const open = event.state === 'began' ? newest({ ...state.open, [key]: true as const }) : state.open;
  const { [key]: _, ...others } = state.told;
  const told = newest({ ...others, [key]: { title, at, repeats: 0 } });
  return group({ ...state, open, told }, settings, { event, repeats: before?.repeats ?? 0 }, at);
}

function group(state: ChannelState, { groupMs }: ChannelSettings, one: Waiting, at: number): ChannelState {
  const { kind, deployment, severity } = one.event;
  const counts = { ...state.counts, taken: state.counts.taken + 1 };
  const index = state.groups.findIndex((found) => found.kind === kind && found.deployment === deployment);
  const found = state.groups[index];
  if (found === undefined) {
    if (state.groups.length >= groupsMax) return leaveOut({ ...state, counts }, kind, 1);
    const of = deployment === undefined ? {} : { deployment };
    const made: Group = { kind, ...of, severity, waiting: [one], more: 0, dueAt: at + groupMs };
    return { ...state, counts, groups: [...state.groups, made] };
  }
  const grown: Group = {
    ...found,
    severity: rankOf(severity) > rankOf(found.severity) ? severity : found.severity,
    ...(found.waiting.length < shownMax ? { waiting: [...found.waiting, one] } : { more: found.more + 1 }),
  };
  return { ...state, counts, groups: state.groups.with(index, grown) };
}

const sizeOf = (found: Group | undefined): number => (found === undefined ? 0 : found.waiting.length + found.more);
export const totalOf = (leftOut: LeftOut): number => Object.values(leftOut).reduce((sum, count) => sum + count, 0);

const joined = (left: LeftOut, right: LeftOut): LeftOut => {
  const sum: Partial<Record<EventKind, number>> = { ...left };
  for (const [kind, count] of Object.entries(right) as [EventKind, number][]) sum[kind] = (sum[kind] ?? 0) + count;
  return sum;
};

function leaveOut(state: ChannelState, kind: EventKind, count: number): ChannelState {
  const { counts } = state;
  const leftOut = joined(state.leftOut, { [kind]: count });
  return { ...state, leftOut, counts: { ...counts, leftOut: counts.leftOut + count } };
}

/** The newest of what is remembered: keys are in the order in which they were set. */
function newest<Value>(all: Readonly<Record<string, Value>>): Readonly<Record<string, Value>> {
  const entries = Object.entries(all);
  return entries.length <= keysMax ? all : Object.fromEntries(entries.slice(-keysMax));
}

/** Events that wait to be told. */
export const waitingOf = ({ groups, inHand }: ChannelState): number =>
  groups.reduce((sum, one) => sum + sizeOf(one), 0) + sizeOf(inHand?.message.group);

/** When a place in the minute is free: never before `at`. */
function freeAt({ tries, pausedUntil }: ChannelState, { perMinuteMax }: ChannelSettings, at: number): number {
  const blocking = tries.filter((time) => time > at - minuteMs);
  const first = blocking.at(-perMinuteMax);
  return Math.max(at, pausedUntil, first === undefined ? at : first + minuteMs);
}

export interface Attempt {
  readonly state: ChannelState;
  /** To be sent now; undefined where nothing is to be. */
  readonly message?: Message;
}

/** What is to be sent now, if anything. Whoever gets a message says with {@link ended} what became of it. */
export function attempt(state: ChannelState, settings: ChannelSettings, at: number): Attempt {
  if (freeAt(state, settings, at) > at) return { state: hold(state, at) };
  const held = state.inHand === undefined ? choose(state, at) : state;
  const { inHand } = held;
  if (inHand === undefined || inHand.nextAt > at) return { state: held };
  const tries = [...held.tries.filter((time) => time > at - minuteMs), at];
  const tried = { ...inHand, attempts: inHand.attempts + 1 };
  return { state: { ...held, inHand: tried, tries }, message: inHand.message };
}

/** Groups that are due and find no place. What waits for a receiver that does not answer waits for no place. */
function hold(state: ChannelState, at: number): ChannelState {
  if (state.inHand !== undefined || state.pausedUntil > at) return state;
  const isHeld = ({ dueAt, heldSince }: Group): boolean => dueAt <= at && heldSince === undefined;
  if (!state.groups.some(isHeld)) return state;
  return { ...state, groups: state.groups.map((one) => (isHeld(one) ? { ...one, heldSince: at } : one)) };
}

/** The most severe of those that are due, of these the first; others that have waited for a minute are left out. */
function choose(before: ChannelState, at: number): ChannelState {
  const due = before.groups.filter(({ dueAt }) => dueAt <= at);
  const chosen = due.toSorted((left, right) => rankOf(right.severity) - rankOf(left.severity))[0];
  let state: ChannelState = before;
  for (const one of due) {
    if (one === chosen || one.heldSince === undefined || at - one.heldSince < minuteMs) continue;
    state = leaveOut({ ...state, groups: state.groups.filter((other) => other !== one) }, one.kind, sizeOf(one));
  }
  if (chosen === undefined && totalOf(state.leftOut) === 0) return state;
  const of = chosen === undefined ? {} : { group: chosen };
  const message: Message = { id: state.nextId, ...of, leftOut: state.leftOut };
  return {
    ...state,
    groups: state.groups.filter((other) => other !== chosen),
    leftOut: {},
    nextId: state.nextId + 1,
    inHand: { message, firstAt: at, attempts: 0, nextAt: at },
  };
}

export type Outcome =
  /** `pauseMs`: the receiver wants nothing for so long. */
  | { readonly kind: 'sent'; readonly pauseMs?: number | undefined }
  /** `again`: the same may be taken later, not before `afterMs`. */
  | { readonly kind: 'failed'; readonly why: string; readonly again: boolean; readonly afterMs?: number | undefined };

/** What became of the message in hand. */
export function ended(state: ChannelState, settings: ChannelSettings, outcome: Outcome, at: number): ChannelState {
  const { inHand, counts } = state;
  if (inHand === undefined) return state;
  const { group: own, leftOut } = inHand.message;
  const { inHand: _, ...rest } = state;
  if (outcome.kind === 'sent') {
    const pausedUntil = outcome.pauseMs === undefined ? rest.pausedUntil : at + outcome.pauseMs;
    return { ...rest, pausedUntil, counts: { ...counts, told: counts.told + sizeOf(own), sent: counts.sent + 1 } };
  }
  const { why, again, afterMs = 0 } = outcome;
  if (again && at - inHand.firstAt < settings.giveUpMs) {
    const backOffMs = Math.min(backOffMaxMs, backOffFirstMs * 2 ** Math.min(inHand.attempts - 1, 16));
    return { ...rest, inHand: { ...inHand, why, nextAt: at + Math.max(afterMs, backOffMs) } };
  }
  // What it told of is counted in the next one that comes through.
  const lost: LeftOut = own === undefined ? {} : { [own.kind]: sizeOf(own) };
  return {
    ...rest,
    leftOut: joined(rest.leftOut, joined(leftOut, lost)),
    counts: { ...counts, undelivered: counts.undelivered + sizeOf(own) },
    // One that only tells what was left out would be refused again at once.
    pausedUntil: Math.max(rest.pausedUntil, at + backOffMaxMs),
  };
}

/** When {@link attempt} has something to do; undefined while nothing waits. Not while a message is on its way. */
export function nextAttemptAt(state: ChannelState, settings: ChannelSettings, at: number): number | undefined {
  const wanted =
    state.inHand?.nextAt ??
    (totalOf(state.leftOut) > 0
      ? at
      : state.groups.reduce<number | undefined>((least, { dueAt }) => Math.min(least ?? dueAt, dueAt), undefined));
  return wanted === undefined ? undefined : Math.max(freeAt(state, settings, at), wanted);
}

/** A state that was kept, for a clock that may stand elsewhere by now: nothing waits longer than it would have. */
export function settled(state: ChannelState, settings: ChannelSettings, at: number): ChannelState {
  const { inHand } = state;
  return {
    ...state,
    tries: state.tries.map((time) => Math.min(time, at)),
    pausedUntil: Math.min(state.pausedUntil, at + backOffMaxMs),
    groups: state.groups.map((one) => ({ ...one, dueAt: Math.min(one.dueAt, at + settings.groupMs) })),
    ...(inHand === undefined
      ? {}
      : {
          inHand: {
            ...inHand,
            firstAt: Math.min(inHand.firstAt, at),
            nextAt: Math.min(inHand.nextAt, at + backOffMaxMs),
          },
        }),
  };
}
