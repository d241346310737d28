/** What came of a change: what is expected of it, whether that came true, and what the governor may not do after it did not. */
import { orderToServingMs, type Observation } from '../../core/scaling/observation.ts';
import { judge } from '../../core/scaling/verify.ts';
import type { Digging, Governed } from './governed.ts';
import type { Noting } from './notes.ts';
import type { Moved } from './move.ts';

/** Time for the effect of a change to be seen, after its lag, and for what is smoothed over seconds to be that of now. */
const effectMs = 8000;
/** After raising did not help, or its replicas never came, it is not tried again for this long. */
const digAgainMs = 300_000;

/**
 * What a change that was made is held to, once its lag has passed. One that is raised again before any of what was
 * ordered serves is held to all of it at once: what came first of one wish has no effect of its own.
 */
export function expect(own: Governed, moved: Moved, from: number, to: number, seen: Observation, at: number): void {
  if (moved.kind !== 'moved') return;
  const { ready } = seen.fleet;
  const dueAt = at + orderToServingMs(seen.lag) * 1.5 + effectMs;
  const { id: entry } = moved.entry;
  const pending = own.expectation;
  const isMore = pending !== undefined && to > from && from === pending.to && from > pending.from;
  if (isMore && ready <= pending.ready) {
    own.expectation = { ...pending, to, dueAt, entry };
    return;
  }
  const { value: serviceMs } = seen.signals.serviceMs;
  const holds = serviceMs > 0 ? (from * 1000) / serviceMs : 0;
  own.expectation = { from, to, ready, before: own.health, holds, at, dueAt, entry };
}

/** What came of the last change, once its time has come. */
export function verify(
  { journal, clock }: Noting,
  deployment: string,
  own: Governed,
  seen: Observation,
  at: number,
): void {
  const expected = own.expectation;
  if (expected === undefined || at < expected.dueAt) return;
  // Over a restart, or while gateways are silent, time passes in which nobody sees an effect.
  const watchedFor = (since: number | undefined): boolean => since !== undefined && at - since >= effectMs;
  if (!watchedFor(own.watchedSince)) return;
  const verdict = judge(expected, seen.fleet.ready, own.health);
  if (verdict.kind !== 'not ready' && !watchedFor(own.healthSince)) return;
  own.expectation = undefined;
  own.verdict = { ...verdict, at: clock.wall(), entry: expected.entry };
  const { from, to, entry } = expected;
  journal.note({
    kind: 'decision',
    action: verdict.kind,
    subject: deployment,
    by: 'governor',
    reason: verdict.reason,
    details: { of: entry, from, to },
  });
  if (verdict.kind === 'helped') return;
  const { ready, target } = seen.fleet;
  const { kind, reason } = verdict;
  const lagMs = orderToServingMs(seen.lag) * 3 + effectMs;
  if (kind === 'not ready' && expected.again !== true) {
    // No more are ordered behind those that don't come; they have a while longer.
    own.expectation = { ...expected, dueAt: at + lagMs, again: true };
    own.digging = { claim: { by: reason, max: Math.max(to, target) }, until: at + lagMs, reason };
    return;
  }
  // What was added and did not help, or never came, goes again; what was missed comes back.
  // Of those that it was raised from some may never have come either; but one that was there and is restored is no loss.
  const came = Math.max(Math.min(from, expected.ready), ready);
  const claim =
    kind === 'harmed'
      ? { by: `${reason}; since then`, min: from }
      : { by: reason, max: kind === 'no help' ? from : came };
  // Callers who wait for their answers ask for less the less helps, and for more again once it is taken back.
  const offered = Math.max(own.offered, expected.holds, expected.before.completed);
  own.digging = { claim, until: at + digAgainMs, reason, ...(kind === 'no help' && { offered }) };
}

/** When what is expected may be judged at the earliest: milliseconds of this process. */
export function judgedFrom({ watchedSince }: Governed, { dueAt }: NonNullable<Governed['expectation']>): number {
  return Math.max(dueAt, (watchedSince ?? 0) + effectMs);
}

/** Load beyond this much of what it was when raising did not help is another case. */
const otherCase = 1.25;

/** Whether what did not help is still refused at `at`. */
export function isRefused({ until, offered = Infinity }: Digging, asked: number, at: number): boolean {
  return at < until && asked <= offered * otherCase;
}
