/**
 * What comes next if the load stays as it is: the governor's own look (foresee → policies → reconcile → constrain), on copies
 * of what it keeps, time after time on the last observation, until the target is another one. Pure.
 *
 *   6 held, 5 wished, a window of 60 s begun 20 s ago   ─ 40 looks of a second each ─▶   in 40 s: 6 → 5, the window ends
 *
 * Law: with that load the governor does this, at that look, and nothing before. Frozen is what is measured, at the age that
 * it had: requests of a second, queue, processors, the replicas that are ready. Time alone passes: windows end, budgets
 * begin anew, freezes begin and end, schedules and replicas grow older, forecasters see the load stay.
 */
import { askOne, type Asked } from './asked.ts';
import { chainStages, type ChainStage, type Link } from './chain.ts';
import type { Constraints, ConstraintMemory } from './constrain.ts';
import { decide, type Decided, type Decision } from './decide.ts';
import { multiplied, type Multiplier } from './external.ts';
import { foresee, type Seer } from './foresee.ts';
import { lookEveryMs, rests } from './looks.ts';
import type { Observation } from './observation.ts';
import type { Claim } from './reconcile.ts';
import { doubtOf, type Signal } from './signals.ts';

/** A deployment as the governor holds it after a look. Asked, memory and seer are copies: they are written into. */
export interface Standing {
  /** The policy that leads, then its stand-in. */
  readonly asked: readonly Asked[];
  readonly memory: ConstraintMemory;
  /** Absent where the policy reads no forecasts. */
  readonly seer: Seer | undefined;
  /** As it was observed at the last look, before anything multiplied its load. */
  readonly seen: Observation;
  /** What is held now: what that look decided, where it has been done. */
  readonly held: number;
  /** Of that look, made words only where they are needed. */
  readonly last: Pick<Decided, 'target' | 'describe'>;
  /** What is decided is done. Otherwise what is held stays, and only what is recommended changes. */
  readonly acts: boolean;
  /** Of those who have a say, so many milliseconds after that look. */
  readonly claims: (passedMs: number) => readonly Claim[];
  readonly constraints: Constraints;
  readonly multipliers: readonly Multiplier[];
  /** When that look was, and since when everything has been still: milliseconds of the same clock. */
  readonly at: number;
  readonly quietSince: number | undefined;
  /** It is looked at every second, however still it is. */
  readonly watched: boolean;
}

/** What makes a change: the policy of its own, a stage of the chain that lets go or takes hold, or upkeep's sleep. */
export const nextRules = ['policy', ...chainStages, 'sleep'] as const;
/** Sleep is no decision of the governor's. */
export type NextRule = Exclude<(typeof nextRules)[number], 'sleep'>;

export type Next =
  | {
      readonly kind: 'change';
      /** Milliseconds after the last look. */
      readonly afterMs: number;
      /** What is held, or recommended, and what will be instead. */
      readonly from: number;
      readonly to: number;
      readonly rule: NextRule;
      /** Who asks for it. */
      readonly by: string;
      readonly reason: string;
    }
  /** Nothing changes within so many milliseconds of the last look. */
  | { readonly kind: 'none'; readonly afterMs: number };

export interface Horizon {
  readonly ms: number;
  readonly looks: number;
}

/** A change that is farther away is another load's. */
export const horizon: Horizon = { ms: 600_000, looks: 600 };

/** The whole of it at once; `aheadOf` does it look by look. */
export function nextChange(standing: Standing, within: Horizon = horizon): Next {
  const look = aheadOf(standing, within);
  let next = look();
  while (next === undefined) next = look();
  return next;
}

/** Each call is one look farther; undefined while nothing is found and there is farther to look. */
export function aheadOf(standing: Standing, { ms, looks }: Horizon = horizon): () => Next | undefined {
  const { asked, seer, seen, held, acts, constraints, multipliers, watched } = standing;
  const from = acts ? held : standing.last.target;
  const isIdle = ['arrivals', 'inFlight', 'queued'].every((name) => seen.signals[name as 'queued'].value === 0);
  let { memory, quietSince } = standing;
  let before: Pick<Decided, 'describe'> = standing.last;
  let [lookedAt, at, looked] = [standing.at, standing.at, 0];

  return () => {
    do at += lookEveryMs;
    while (isIdle && !watched && rests({ quietSince, lookedAt }, at));
    const passedMs = at - standing.at;
    looked += 1;
    if (passedMs > ms || looked > looks) return { kind: 'none', afterMs: lookedAt - standing.at };
    const observed = frozen(seen, held, at - lookedAt, passedMs);
    const foresight = seer === undefined ? observed.foresight : foresee(seer, observed);
    const told = multiplied({ ...observed, foresight }, multipliers);
    const claims = [...standing.claims(passedMs), ...told.claims];
    const outcomes = asked.map((one) => askOne(one, told.seen, at, unhurried));
    const decided = decide(memory, { seen: told.seen, outcomes, claims, constraints, at });
    memory = decided.memory;
    lookedAt = at;
    const still = isIdle && decided.target === held && decided.doubt === undefined;
    quietSince = still && doubtOf('the load', seen.signals.arrivals) === undefined ? (quietSince ?? at) : undefined;
    if (decided.target === from) {
      before = decided;
      return undefined;
    }
    const decision = decided.describe();
    const rule = ruleOf(before.describe(), decision, from);
    return { kind: 'change', afterMs: passedMs, from, to: decided.target, ...rule };
  };
}

/** How long a policy takes is not what is asked here. */
const unhurried = { budgetMs: Number.POSITIVE_INFINITY, now: () => 0 };

/** The same again, so much later: counts are those of a span of this length, and replicas are older. */
function frozen(seen: Observation, held: number, spanMs: number, passedMs: number): Observation {
  const { arrivals, errors, late } = seen.signals;
  const factor = spanMs / seen.spanMs;
  const count = (signal: Signal): Signal => (factor === 1 ? signal : { ...signal, value: signal.value * factor });
  const { ready } = seen.fleet;
  // One that has just been moved is on its way.
  const there = Math.min(ready, held);
  const fleet = held === seen.fleet.target ? seen.fleet : { target: held, ready: there, starting: held - there };
  const replicas = seen.replicas?.map((replica) => ({
    ...replica,
    ageMs: replica.ageMs + passedMs,
    readinessAgeMs: replica.readinessAgeMs + passedMs,
  }));
  return {
    ...seen,
    spanMs,
    wallMs: seen.wallMs + passedMs,
    fleet,
    signals: { ...seen.signals, arrivals: count(arrivals), errors: count(errors), late: count(late) },
    ...(replicas !== undefined && { replicas }),
  };
}

type Rule = Pick<Next & { kind: 'change' }, 'rule' | 'by' | 'reason'>;

/** Which rule makes the change: one that had kept it lets go, one takes hold, or the policy asks for it of its own. */
function ruleOf(before: Decision, now: Decision, from: number): Rule {
  const way = Math.sign(now.target - from);
  const { by, reason } = now;
  if (Math.sign(now.raw.target - from) !== way) {
    const holds = now.chain.findLast((link) => link.bit && Math.sign(link.to - link.from) === way);
    if (holds !== undefined) return { rule: holds.stage, by: whose(holds, by), reason: holds.reason };
  }
  const kept = before.chain.findLast(({ bit, to }) => bit && to === from);
  if (kept !== undefined && Math.sign(before.raw.target - from) === way) {
    return { rule: kept.stage, by, reason: `${lettingGo[kept.stage]}: ${reason}` };
  }
  return { rule: 'policy', by, reason };
}

const whose = (link: Link, otherwise: string): string => link.by ?? otherwise;

/** What has happened where a stage no longer keeps what it kept at the look before. */
const lettingGo: Readonly<Record<ChainStage, string>> = {
  doubt: 'nothing is in doubt any more',
  floor: 'nobody asks for more any more',
  ceiling: 'nobody refuses it any more',
  sound: 'a whole number is asked for again',
  stabilisation: 'the stabilisation window ends',
  rate: 'the rate allows it again',
  'blast radius': 'as many may go at once',
  flaps: 'it turned long enough ago',
  room: 'the nodes have room for it',
  freeze: 'the freeze ends',
  cost: 'the budget pays for it again',
  bounds: 'the bounds allow it',
};
