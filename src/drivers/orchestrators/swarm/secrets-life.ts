/**
 * How long the secret of a service still brings a task into being, and which service a further task goes to because of it.
 * Tasks that run renew their certificate themselves; the secret, which no service can change without making its tasks
 * anew, is what tasks begin with. Pure.
 *
 *   secret made ──────────── half ──────────────── eighth ──── over
 *    takes further tasks      │ only in a place that has become free │ none: what the engine makes anew ends at once
 *
 * Invariant: a task that is ordered begins with a certificate that lives long enough to be renewed.
 */
import type { Life } from '../../../tls/life.ts';
import type { Group } from './group.ts';

/** Of a life. */
const freshShare = 1 / 2;
const refillShare = 1 / 8;

export function leftOf({ from, until }: Life, at: number): number {
  return (until - at) / (until - from);
}

/**
 * The engine refills at once the place of a task that has ended. Where the secret still holds, that task is the next
 * replica; otherwise there is only to be one fewer.
 */
export function keepsPlaces(life: Life | undefined, at: number): boolean {
  return life === undefined || leftOf(life, at) > refillShare;
}

/** Where a further task of `kind` goes; undefined where a service is to be made for it. */
export function groupTaking(groups: Iterable<Group>, kind: string, at: number, now: number): Group | undefined {
  const alike = [...groups].filter((group) => group.kind === kind);
  const refills = alike.find((group) => keepsPlaces(group.life, at) && group.vacancies.some((until) => until > now));
  // One that is still to be made gets its secret then.
  return refills ?? alike.find(({ life }) => life === undefined || leftOf(life, at) > freshShare);
}

/**
 * Names the stretch of time in which a service with a fresh secret is made: in each there is one at most, since its secret
 * stays fresh until the next has begun.
 */
export function periodAt(at: number, lifetimeMs: number): string {
  return `${lifetimeMs}/${Math.floor(at / (lifetimeMs * freshShare))}`;
}

/** As an interval of ISO 8601, for the label of a service. */
export function writeLife({ from, until }: Life): string {
  return `${new Date(from).toISOString()}/${new Date(until).toISOString()}`;
}

/** What cannot be read (an earlier version wrote none, or somebody has edited it) is over: no task is to begin with it. */
export function readLife(text: string | undefined): Life {
  const [from = Number.NaN, until = Number.NaN] = (text ?? '').split('/').map((time) => Date.parse(time));
  return from < until ? { from, until } : { from: 0, until: 1 };
}
