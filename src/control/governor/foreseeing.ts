/**
 * What comes next of each deployment if its load stays: asked for one, or kept for all by a slow beat. A walk is up to 600
 * looks ahead and takes milliseconds (core/scaling/next), in pieces, so that nobody is held up: for a thousand deployments
 * it is not made at every look. What is kept says of which moment it is, and is told no longer than it can be true.
 */
import { setImmediate as turn } from 'node:timers/promises';
import type { NextView } from '../../api/next-schema.ts';
import type { Clock } from '../../clock.ts';
import { idleMsDefault } from '../../config/specification.ts';
import { lookEveryMs } from '../../core/scaling/looks.ts';
import { aheadOf, horizon } from '../../core/scaling/next.ts';
import { doubtOf } from '../../core/scaling/signals.ts';
import type { Deployment, Deployments } from '../deployments.ts';
import { periodically } from '../periodically.ts';
import { aheadWith } from './ahead.ts';
import type { Governed } from './governed.ts';
import type { Governor } from './governor.ts';
import type { Modes } from './modes.ts';
import type { Outside } from './outside.ts';

export interface Foreseeing {
  /** As it was seen last; undefined where nobody has looked lately, or it is no longer so. */
  kept(deployment: Deployment): NextView | undefined;
  /** As it is now, but for a moment. */
  ask(deployment: Deployment): Promise<NextView | undefined>;
  /** One beat; for tests, the loop does it by itself. */
  beat(): Promise<void>;
  start(): () => Promise<void>;
}

export interface ForeseeingParts {
  readonly deployments: Pick<Deployments, 'all' | 'find'>;
  readonly governor: Pick<Governor, 'of'>;
  readonly modes: Pick<Modes, 'of' | 'halt'>;
  readonly outside: Pick<Outside, 'claimsOn'>;
  readonly clock: Clock;
}

/** Between two pieces others have their turn. Milliseconds of the processor. */
const pieceMs = 4;
const beatEveryMs = 1000;
/** Of each beat, for all deployments together: one hundredth of a processor. */
const beatMs = 10;
/** Younger than this it is not looked for again. */
const freshMs = 5000;
/** Load has gone on meanwhile: older than this it is told to nobody. */
const keptMs = 60_000;

interface Seen {
  readonly view: NextView | undefined;
  /** Monotonic milliseconds. */
  readonly at: number;
  readonly basis: Basis;
}

/** What it was reckoned from: with another one nothing of it holds any more. */
interface Basis {
  readonly desired: number;
  readonly specification: Deployment['record']['specification'];
  readonly wakefulness: Deployment['wakefulness']['kind'];
  readonly acts: boolean;
  /** Where it is only recommended: what was, at the last look. */
  readonly said: number | undefined;
}

const isSame = (left: Basis, right: Basis): boolean =>
  (Object.keys(left) as (keyof Basis)[]).every((key) => left[key] === right[key]);

export function openForeseeing(parts: ForeseeingParts): Foreseeing {
  const { deployments, governor, modes, outside, clock } = parts;
  const seen = new Map<string, Seen>();
  const walking = new Map<string, Promise<Seen>>();

  const actsOn = (deployment: Deployment): boolean =>
    modes.of(deployment).mode === 'auto' && modes.halt(deployment.name) === undefined;

  function basisOf(deployment: Deployment): Basis {
    const { name, record, wakefulness } = deployment;
    const { desired, specification } = record;
    const acts = actsOn(deployment);
    const said = acts ? undefined : governor.of(name)?.last?.thought.target;
    return { desired, specification, wakefulness: wakefulness.kind, acts, said };
  }

  async function walk(deployment: Deployment): Promise<Seen> {
    const at = clock.now();
    const basis = basisOf(deployment);
    const view = await find(deployment, at);
    const found = { view, at, basis };
    if (deployments.find(deployment.name) === deployment) seen.set(deployment.name, found);
    return found;
  }

  async function find(deployment: Deployment, at: number): Promise<NextView | undefined> {
    const wall = clock.wall();
    const sleepsAt = sleepOf(deployment, at);
    const sleep = sleepsAt === undefined ? undefined : sleepView(deployment, wall, sleepsAt - at);
    const own = governor.of(deployment.name);
    const governed = own === undefined ? undefined : await governedNext(deployment, own, at, wall);
    if (sleep === undefined || (governed?.kind === 'change' && governed.at <= sleep.at)) return governed;
    return sleep;
  }

  async function governedNext(
    deployment: Deployment,
    own: Governed,
    at: number,
    wall: number,
  ): Promise<NextView | undefined> {
    const { last, lookedAt } = own;
    if (last === undefined || lookedAt === undefined) return undefined;
    const unknown = doubtOf('the load', last.seen.signals.arrivals);
    if (unknown !== undefined) return { kind: 'unknown', reason: unknown, asOf: wall };
    const acts = actsOn(deployment);
    const ahead = aheadWith(deployment, own, acts, outside.claimsOn(deployment.name));
    if (ahead === undefined) return undefined;
    const { untilMs, standing } = ahead;
    const look = aheadOf(standing, { ...horizon, ms: Math.min(horizon.ms, untilMs) });
    let next = look();
    for (let piece = clock.now(); next === undefined; next = look()) {
      if (clock.now() - piece < pieceMs) continue;
      await turn();
      piece = clock.now();
    }
    const lookedWall = wall - (at - lookedAt);
    if (next.kind === 'none') {
      const judged = untilMs < horizon.ms;
      const until = Math.max(wall, lookedWall + (judged ? untilMs : next.afterMs));
      return { kind: 'none', until: Math.round(until), ends: judged ? 'judged' : 'horizon', asOf: wall };
    }
    const { afterMs, ...change } = next;
    return { ...change, at: Math.round(Math.max(wall, lookedWall + afterMs)), recommended: !acts, asOf: wall };
  }

  /** When upkeep puts it to sleep, if nobody asks. */
  function sleepOf({ record, wakefulness }: Deployment, at: number): number | undefined {
    const { min, idleMs = idleMsDefault } = record.specification.replicas;
    if (min > 0 || wakefulness.kind !== 'awake' || modes.halt()?.scope === 'all') return undefined;
    // Whoever was asked a moment ago is not idle.
    if (at - wakefulness.activeAt < lookEveryMs) return undefined;
    return wakefulness.activeAt + idleMs;
  }

  /** What is known of it: undefined where that is too old, or of another state than that of now. */
  function standing(deployment: Deployment, ageMs: number): Seen | undefined {
    const found = seen.get(deployment.name);
    if (found === undefined || clock.now() - found.at >= ageMs) return undefined;
    if (!isSame(found.basis, basisOf(deployment))) return undefined;
    const { view } = found;
    if (view?.kind === 'change' && view.at <= clock.wall()) return undefined;
    return found;
  }

  /** Those who ask at the same time share one walk. */
  function walkOnce(deployment: Deployment): Promise<Seen> {
    const { name } = deployment;
    let under = walking.get(name);
    if (under === undefined) walking.set(name, (under = walk(deployment).finally(() => walking.delete(name))));
    return under;
  }

  /** Whoever has been told nothing that is still true comes first, then the oldest. */
  const turnOf = (deployment: Deployment): number => standing(deployment, keptMs)?.at ?? -1;

  async function beat(): Promise<void> {
    for (const name of seen.keys()) if (deployments.find(name) === undefined) seen.delete(name);
    const due = deployments
      .all()
      .filter((deployment) => standing(deployment, freshMs) === undefined)
      .toSorted((left, right) => turnOf(left) - turnOf(right));
    const began = clock.now();
    for (const deployment of due) {
      await walkOnce(deployment);
      if (clock.now() - began >= beatMs) return;
    }
  }

  return {
    kept: (deployment) => standing(deployment, keptMs)?.view,
    ask: async (deployment) => (standing(deployment, freshMs) ?? (await walkOnce(deployment))).view,
    beat,
    start: () => periodically(clock, beatEveryMs, 'looking ahead', beat),
  };
}

function sleepView({ record }: Deployment, wall: number, inMs: number): NextView & { kind: 'change' } {
  const { idleMs = idleMsDefault } = record.specification.replicas;
  return {
    kind: 'change',
    at: Math.round(wall + Math.max(0, inMs)),
    from: record.desired,
    to: 0,
    rule: 'sleep',
    by: 'upkeep',
    reason: `nobody has asked for ${Math.round(idleMs / 1000)} s: it sleeps until somebody does`,
    recommended: false,
    asOf: wall,
  };
}
