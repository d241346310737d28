/**
 * The rehearsing policy: a latency objective and one knob, the tolerated share of violations. It runs a few hundred ways
 * to hold capacity as shadow fleets on the arrivals just seen, at the lag that this tier has really shown, and takes the
 * cheapest whose record keeps what is tolerated (docs/governor.md). Beside it stand a kick for a queue that is there
 * now, a guard for the first minutes, and what is held while nothing is seen.
 */
import { blindTarget } from '../slo/blind.ts';
import { capOf } from '../slo/cap.ts';
import { unitsOf } from '../slo/capacity-curve.ts';
import { kickOf, kickSeconds } from '../slo/kick.ts';
import { meanOver } from '../slo/load-history.ts';
import { ageOf } from '../slo/memory.ts';
import { reasonOf } from '../slo/reason.ts';
import { surplusOf } from '../slo/settle.ts';
import { wishOf } from '../slo/shadows.ts';
import { doubtsOf, followLag, preload, startSlo, take, updateTerms, type SloState } from '../slo/state.ts';
import { multipliers } from '../slo/ways.ts';
import type { Observation } from '../observation.ts';
import type { ParameterTable, Parameters } from '../parameters.ts';
import type { Policy, PolicyDefinition, Proposal } from '../policy.ts';

const parameters = {
  tolerated: {
    kind: 'number',
    default: 0.01,
    min: 0.0001,
    max: 0.5,
    about: 'Share of requests that may be late or shed.',
  },
} as const satisfies ParameterTable;

/** Seconds without a request after which a fleet of none is asleep. */
const asleepSeconds = 120;
/** Between two whole seconds, so much has to have been seen to be a load and no chance. */
const lookMsMin = 100;
const momentMs = 250;

function blind(state: SloState, seen: Observation, at: number, doubt: string): Proposal {
  const { target } = seen.fleet;
  if (Number.isNaN(state.blindSince)) {
    state.blindSince = at;
    state.blindFrom = target;
  }
  const { world, chosen } = state.rehearsal;
  const seconds = (at - state.blindSince) / 1000;
  const { arrivals } = seen.signals;
  // Two sources that disagree: the value is the one that asks for more.
  const named = arrivals.kind === 'contradictory' ? (arrivals.value * state.serviceSeconds * 1000) / seen.spanMs : 0;
  const asked = named > 0 ? unitsOf(state.terms.curve, wishOf(named / seen.replicasPerUnit, 1, world)) : 0;
  // Before anything was learned there is no cap to grow under: then it is held.
  const grown = chosen < 0 || target === 0 ? target : blindTarget(state.blindFrom, seconds, world.cap);
  const limit = Math.max(target, Math.min(seen.max, state.terms.curve.best));
  const wanted = Math.min(limit, Math.max(target, grown, asked));
  const from = state.blindFrom;
  const growth = wanted > from ? `, and ${from} have become ${wanted} in ${Math.round(seconds)} s to be safe` : '';
  return { target: wanted, doubt, reason: () => `${doubt}: nothing is lowered${growth}` };
}

/**
 * The load since the last whole second, on the safe side: of n requests √n are chance, and of a moment in which two came by
 * chance nobody can say that twenty a second come.
 */
function sinceSecond({ work, spanMs, serviceSeconds }: SloState, replicasPerUnit: number): number {
  const perRequest = serviceSeconds / replicasPerUnit;
  if (spanMs < lookMsMin || !(perRequest > 0) || !(work > 0 && Number.isFinite(work))) return 0;
  const requests = work / perRequest;
  return (Math.max(0, requests - Math.sqrt(requests)) * perRequest * 1000) / Math.max(spanMs, momentMs);
}

/** The cap knows whole seconds; what a look in between has seen counts as what a second of it would. */
function kickCap({ rehearsal, terms }: SloState, now: number): number {
  const { world, all } = rehearsal;
  return now === 0 ? world.cap : Math.max(world.cap, Math.min(capOf(now, all.lag, ageOf(rehearsal)), terms.most));
}

function create({ tolerated }: Parameters<typeof parameters>): Policy<SloState> {
  const decide = (state: SloState, seen: Observation, at: number): Proposal => {
    const { rehearsal, terms } = state;
    const { all, world, chosen, history } = rehearsal;
    const { target: held, ready } = seen.fleet;
    const { queued } = seen.signals;
    const lag = all.lag;
    const notes: string[] = [];

    let wish = 0;
    if (chosen >= 0) {
      const pair = Math.floor(chosen / multipliers.length);
      wish = wishOf(all.held[pair] as number, multipliers[chosen % multipliers.length] as number, world);
    }
    const backlog = queued.kind === 'fresh' ? (queued.value * state.serviceSeconds) / seen.replicasPerUnit : 0;
    const now = sinceSecond(state, seen.replicasPerUnit);
    const kick = kickOf(
      history,
      { work: backlog, before: state.backlog, ready },
      Math.max(wish, held),
      terms.patience,
      lag,
      now,
    );
    state.backlog = backlog;
    if (kick > 0) {
      const standing = at < state.kickUntil ? state.kickUnits : 0;
      state.kickUnits = Math.max(standing, Math.min(kick, Math.ceil(kickCap(state, now))));
      state.kickUntil = at + kickSeconds * 1000;
    } else if (queued.kind === 'fresh' && queued.value === 0 && ready >= unitsOf(terms.curve, state.kickUnits)) {
      // Nobody waits any more, which is known, and what was ordered for those who did has come.
      state.kickUntil = Math.min(state.kickUntil, at);
    }
    if (at < state.kickUntil && state.kickUnits > wish) {
      wish = state.kickUnits;
      notes.push(`${wish} for a queue of ${backlog.toFixed(1)} replica-seconds`);
    }
    // Who sleeps is woken by a request and not by a forecast of none.
    if (held === 0 && backlog === 0 && meanOver(history, asleepSeconds) === 0) {
      return { target: seen.min, reason: () => 'asleep, and nobody has asked' };
    }
    let target = unitsOf(terms.curve, wish);
    // The same as the shadows do, on what is really held: another way may have been taken meanwhile.
    const surplus = state.surplus + surplusOf(held, target, Math.min(seen.spanMs, 60_000) / 1000);
    const waits = target < held && surplus < world.turning;
    state.surplus = waits ? surplus : 0;
    if (waits) {
      notes.push(`${target} would do, and giving back waits until that has lasted`);
      target = held;
    }
    if (at < state.guardUntil && target < state.guardUnits) {
      target = state.guardUnits;
      notes.push(`not below the ${target} it started with for ${Math.round((state.guardUntil - at) / 1000)} s more`);
    }
    target = Math.min(seen.max, Math.max(seen.min, target));
    return { target, reason: reasonOf(rehearsal, tolerated, target, notes) };
  };

  return {
    name: 'slo',
    foresees: true,
    start: (seen, at) => startSlo(seen, tolerated, at),
    learn: preload,
    step: (state, seen, at) => {
      const doubt = doubtsOf(state, seen);
      if (doubt !== undefined) return { state, proposal: blind(state, seen, at, doubt) };
      state.blindSince = Number.NaN;
      updateTerms(state, seen);
      followLag(state, seen);
      take(state, seen);
      return { state, proposal: decide(state, seen, at) };
    },
  };
}

export const slo: PolicyDefinition<typeof parameters> = {
  name: 'slo',
  layout: 2,
  summary: 'The cheapest of a few hundred rehearsed ways that keeps the latency objective.',
  source: 'docs/governor.md.',
  parameters,
  create,
};
