/** Copies of what the governor keeps of one deployment, with which it can be looked ahead and nothing is changed. */
import type { Standing } from '../../core/scaling/next.ts';
import type { Claim } from '../../core/scaling/reconcile.ts';
import type { Deployment } from '../deployments.ts';
import { isRefused, judgedFrom } from './aftermath.ts';
import { claimsWith } from './claims.ts';
import type { Governed } from './governed.ts';
import { offeredAfter } from './measure.ts';
import { constraintsOf, multipliersOf } from './settings.ts';

export interface Ahead {
  readonly standing: Standing;
  /** Milliseconds after the last look at which what came of the last change is judged: what that brings nobody knows. */
  readonly untilMs: number;
}

/** `acts`: what it decides is done. `outside`: what alerts ask for. Undefined before its first look. */
export function aheadWith(
  deployment: Deployment,
  own: Governed,
  acts: boolean,
  outside: readonly Claim[],
): Ahead | undefined {
  const { mind, last, lookedAt, forecasts, quietSince, digging, expectation } = own;
  if (mind === undefined || last === undefined || lookedAt === undefined) return undefined;
  const { specification, desired } = deployment.record;
  const { min, max } = specification.replicas;
  // A move that is under way is as good as made.
  const wanted = own.busy ? last.thought.target : desired;
  const held = Math.min(max, Math.max(1, min, wanted));
  const copy = mind.copy();
  const seen = { ...last.seen, fleet: { ...last.seen.fleet, target: held } };
  const { arrivals } = seen.signals;
  const perSecond = (arrivals.value * 1000) / seen.spanMs;
  return {
    untilMs: expectation === undefined ? Number.POSITIVE_INFINITY : judgedFrom(own, expectation) - lookedAt,
    standing: {
      asked: copy.asked,
      memory: copy.memory,
      seer: copy.asked[0]?.make().foresees === true ? forecasts?.copy() : undefined,
      seen: last.seen,
      held,
      last: last.thought,
      acts,
      claims: (passedMs) => {
        const asked = offeredAfter(own.offered, perSecond, passedMs);
        const refused = digging !== undefined && isRefused(digging, asked, lookedAt + passedMs);
        return claimsWith(deployment, refused ? digging : undefined, seen, outside);
      },
      // Who else needs the room in between nobody knows.
      constraints: { ...constraintsOf(specification), ...(last.room !== undefined && { room: last.room }) },
      multipliers: multipliersOf(specification),
      at: copy.at,
      quietSince: quietSince === undefined ? undefined : copy.at - (lookedAt - quietSince),
      watched: outside.length > 0,
    },
  };
}
