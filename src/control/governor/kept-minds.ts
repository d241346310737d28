/**
 * What the governor has learned of each deployment, over a restart of control and over a sleep: without it a restart in
 * the middle of a panic would scale in, a learned record would begin anew, and a budget would be spent twice.
 *
 * Kept in the store as plain data, bounded, at most once a minute while there is something to learn and after each change
 * of a target. A process's monotonic clock begins anew, so a mind has a time of its own that goes on: to what was kept is
 * added what has passed since. What an earlier release has written is not read: policies may keep other things by now. So
 * may a policy within a release: its state carries the number of its layout, and so does all the rest.
 */
import { isDeepStrictEqual } from 'node:util';
import { deserialize, serialize } from 'node:v8';
import { deflateSync, inflateSync } from 'node:zlib';
import type { Clock } from '../../clock.ts';
import type { LagBook } from '../../core/scaling/lag-book.ts';
import type { Health } from '../../core/scaling/verify.ts';
import type { Store } from '../../store/store.ts';
import type { KeptForecasts } from './forecasts.ts';
import type { Digging, Governed } from './governed.ts';
import { layoutOf } from '../../core/scaling/policies/list.ts';
import { askedBy, type MindState, type PolicyChoice } from './mind.ts';

/** Raised with every change of what `Kept` is made of, the states of policies apart: those have numbers of their own. */
export const keptLayout = 2;

/** Plain data; every time in it is of the mind's own clock, milliseconds. */
export interface Kept {
  readonly choice: PolicyChoice;
  readonly mind: MindState;
  readonly forecasts: KeptForecasts;
  readonly lags: LagBook;
  readonly capacity: Float64Array;
  readonly serviceMs: number;
  readonly health: Health;
  readonly digging: (Omit<Digging, 'until'> & { readonly leftMs: number }) | undefined;
  readonly expectation: Governed['expectation'];
}

export interface KeptMinds {
  /** With the milliseconds that have passed since it was kept. */
  of(deployment: string): { readonly kept: Kept; readonly passedMs: number } | undefined;
  /** The bytes that were written. */
  keep(deployment: string, kept: Kept): Promise<number>;
  /** Whoever comes later under its name begins with nothing. */
  retain(isThere: (name: string) => boolean): void;
}

interface Held {
  readonly kept: Kept;
  readonly wall: number;
  /** Of this process; absent for what an earlier one has kept. */
  readonly at?: number;
}

const keyOf = (deployment: string): string => `governor.mind.${deployment}`;
/** Deflated; some hundred shadow fleets and an hour of load take 20 kB. */
const bytesMax = 1_048_576;
/** Of an older one the load says nothing any more. */
const ageMsMax = 7 * 86_400_000;

export async function openKeptMinds(store: Store, clock: Clock, release: string): Promise<KeptMinds> {
  const held = new Map<string, Held>();
  for (const { name } of await store.deployments()) {
    const found = unpack(await store.meta(keyOf(name)), release);
    if (found !== undefined) held.set(name, found);
  }

  return {
    of(deployment) {
      const found = held.get(deployment);
      if (found === undefined) return undefined;
      // A wall clock that went back says that nothing has passed.
      const passedMs = Math.max(0, found.at === undefined ? clock.wall() - found.wall : clock.now() - found.at);
      return passedMs > ageMsMax ? undefined : { kept: found.kept, passedMs };
    },
    async keep(deployment, kept) {
      const wall = clock.wall();
      const packed = pack({ release, layout: keptLayout, layouts: askedBy(kept.choice).map(layoutOf), wall, kept });
      // What goes on working is not to be held by reference.
      const own = deserialize(inflateSync(packed)) as Packed;
      held.set(deployment, { kept: own.kept, wall, at: clock.now() });
      if (packed.length > bytesMax) return 0;
      await store.setMeta(keyOf(deployment), packed.toString('base64'));
      return packed.length;
    },
    retain(isThere) {
      for (const name of held.keys()) {
        if (isThere(name)) continue;
        held.delete(name);
        // The next control would see the same and do the same.
        void store.setMeta(keyOf(name), '').catch(() => undefined);
      }
    },
  };
}

interface Packed {
  readonly release: string;
  readonly layout: number;
  /** Of the policies' states. */
  readonly layouts: readonly number[];
  readonly wall: number;
  readonly kept: Kept;
}

const pack = (packed: Packed): Buffer => deflateSync(serialize(packed), { level: 1 });

/** Undefined for what is not there, is damaged, or is of another release or layout: then it begins anew. */
function unpack(text: string | undefined, release: string): Held | undefined {
  if (text === undefined || text === '') return undefined;
  try {
    const bytes = inflateSync(Buffer.from(text, 'base64'), { maxOutputLength: 64 * bytesMax });
    const { kept, wall, release: written, layout, layouts } = deserialize(bytes) as Packed;
    if (written !== release || layout !== keptLayout) return undefined;
    const now = askedBy(kept.choice).map(layoutOf);
    const states = kept.mind.states.map((state, index) => (layouts[index] === now[index] ? state : undefined));
    return { kept: { ...kept, mind: { ...kept.mind, states } }, wall };
  } catch {
    return undefined;
  }
}

/** What is to be kept of it at `at`, milliseconds of this process; undefined before its first look. */
export function toKept(own: Governed, at: number): Kept | undefined {
  const { mind, forecasts, lags, capacity, serviceMs, health, digging, expectation } = own;
  if (mind === undefined || forecasts === undefined) return undefined;
  return {
    choice: mind.choice,
    mind: mind.state(),
    forecasts: forecasts.state(),
    lags,
    capacity,
    serviceMs,
    health,
    digging: digging && toKeptDigging(digging, at),
    expectation: expectation && { ...expectation, at: expectation.at - at, dueAt: expectation.dueAt - at },
  };
}

function toKeptDigging({ until, ...rest }: Digging, at: number): NonNullable<Kept['digging']> {
  return { ...rest, leftMs: until - at };
}

/** Everything but the mind, which is made with the first look. */
export function restore(
  own: Governed,
  { kept, passedMs }: { readonly kept: Kept; readonly passedMs: number },
  at: number,
): void {
  const since = at - passedMs;
  const { lags, capacity, serviceMs, health, digging, expectation } = kept;
  Object.assign(own, { lags, capacity, serviceMs, health });
  for (const [count, rate] of capacity.entries()) if (Number.isFinite(rate)) own.capacityAt.set(count, at);
  if (digging === undefined) own.digging = undefined;
  else {
    const { leftMs, ...rest } = digging;
    own.digging = { ...rest, until: since + leftMs };
  }
  own.expectation = expectation && {
    ...expectation,
    at: since + expectation.at,
    dueAt: since + expectation.dueAt,
  };
}

/**
 * What a mind of this choice begins with: all that the same one had come to, here or before a restart. Another policy
 * begins anew, but what is spent of a budget and how often it turned stays.
 */
export function beginning(
  own: Governed,
  before: { readonly kept: Kept; readonly passedMs: number } | undefined,
  choice: PolicyChoice,
  at: number,
): { readonly state: MindState; readonly passedMs: number } | undefined {
  const { mind, lookedAt } = own;
  const known =
    mind === undefined || lookedAt === undefined
      ? before && { choice: before.kept.choice, state: before.kept.mind, passedMs: before.passedMs }
      : { choice: mind.choice, state: mind.state(), passedMs: at - lookedAt };
  if (known === undefined) return undefined;
  const { state, passedMs } = known;
  return { state: isDeepStrictEqual(known.choice, choice) ? state : { ...state, states: [] }, passedMs };
}
