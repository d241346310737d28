/**
 * The governor: once a second, for each deployment that may have more replicas than it must: observe → decide → act by
 * its mode → see what came of it. What is decided is in core/scaling; this carries it out and remembers.
 * Laws: in the mode `advise`, and while halted, no target is changed on any path; a target that moves has its journal
 * entry in the same transaction. Time is the monotonic clock's: a wall clock that jumps moves nothing.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Clock } from '../../clock.ts';
import { noteStart } from '../../core/scaling/lag-book.ts';
import { lookEveryMs, rests } from '../../core/scaling/looks.ts';
import { isSurprise } from '../../core/scaling/surprise.ts';
import type { Policy } from '../../core/scaling/policy.ts';
import { doubtOf } from '../../core/scaling/signals.ts';
import { FlyballError } from '../../errors.ts';
import { publish } from '../../telemetry/events.ts';
import { openBackground } from '../background.ts';
import type { Deployment } from '../deployments.ts';
import type { Fleet } from '../fleet.ts';
import type { GatewayChannel } from '../gateway-channel.ts';
import type { Cluster } from '../nodes/cluster.ts';
import type { Replica } from '../replica.ts';
import { resourcesOf } from '../template.ts';
import type { Approval, Approvals } from './approvals.ts';
import { openActing } from './acting.ts';
import { expect, verify } from './aftermath.ts';
import { claimsOn } from './claims.ts';
import { newGoverned, type Done, type Governed } from './governed.ts';
import { countLoad, withCounts, type Counted, type LoadLook } from './load-counts.ts';
import { measure } from './measure.ts';
import { createMind, type PolicyChoice } from './mind.ts';
import { moveTarget, type MoveParts } from './move.ts';
import { beginning, restore, type KeptMinds } from './kept-minds.ts';
import { keep } from './notes.ts';
import type { Outside } from './outside.ts';
import type { Past } from './recall.ts';
import { openRemembering } from './remembering.ts';
import { tell } from './told.ts';
import { multiplied } from '../../core/scaling/external.ts';
import type { MetricPolling } from '../metrics/polling.ts';
import { roomOf } from './room.ts';
import { constraintsOf, multipliersOf, policyOf } from './settings.ts';

export interface GovernorParts extends MoveParts {
  readonly fleet: Fleet;
  readonly channel: GatewayChannel;
  readonly approvals: Approvals;
  readonly minds: KeptMinds;
  readonly outside: Outside;
  readonly metrics: Pick<MetricPolling, 'signals'>;
  readonly past: Past;
  readonly cluster?: Pick<Cluster, 'seen'>;
  /** In place of the list's, for tests of policies that fail. */
  readonly makePolicy?: (choice: PolicyChoice) => Policy;
  readonly clock: Clock;
}

export interface Governor {
  /** Of one that is governed; undefined before its first look, and for one whose size is fixed. */
  of(deployment: string): Governed | undefined;
  /** A person agrees. */
  approve(id: string, by: string): Promise<Approval>;
  reject(id: string, by: string, reason: string): Approval;
  replicaReady(replica: Replica): void;
  /** A gateway has spoken: a load that has jumped is looked at now and not at the next second. */
  heard(): void;
  /** When every change of target that has been decided is written, or refused. */
  settled(): Promise<void>;
  /** Milliseconds from the look that moved the target last to the order of this replica; 0 where none had just done so. */
  decidedMs(replica: Replica): number;
  /** One look at all; for tests, the loop does it by itself. */
  look(): Promise<void>;
  start(): void;
  stop(): Promise<void>;
}

/** Doubt that is shorter is that of a start, or of a gateway that has just come back. */
const doubtMs = 5000;
/** What is ordered later was not ordered for the move. */
const decideMsMax = 5000;

export function startGovernor(parts: GovernorParts): Governor {
  const { deployments, fleet, channel, journal, modes, approvals, minds, outside, metrics, past, clock } = parts;
  const governed = new Map<string, Governed>();
  const counts = countLoad();
  let cancel = (): void => {};
  let stopped = true;
  const background = openBackground(new AbortController().signal);
  const isGoverned = (name: string, own: Governed): boolean => governed.get(name) === own;
  const remembering = openRemembering({ minds, past, journal, background, isGoverned });
  const acting = openActing({ ...parts, background, remembering });
  /** Counted, by deployment, and not looked at yet. */
  const pending = new Map<string, Counted>();

  function mayMove({ record, removing, wakefulness }: Deployment): boolean {
    const { min, max } = record.specification.replicas;
    return max > Math.max(1, min) && !removing && wakefulness.kind === 'awake';
  }

  function replicasByDeployment(): ReadonlyMap<string, readonly Replica[]> {
    const found = new Map<string, Replica[]>();
    for (const replica of fleet.replicas()) {
      const own = found.get(replica.deployment);
      if (own === undefined) found.set(replica.deployment, [replica]);
      else own.push(replica);
    }
    return found;
  }

  function lookAt(
    deployment: Deployment,
    replicas: readonly Replica[],
    counted: Counted,
    ageMs: number,
    at: number,
  ): void {
    let own = governed.get(deployment.name);
    const before = own === undefined ? minds.of(deployment.name) : undefined;
    if (own === undefined) {
      governed.set(deployment.name, (own = newGoverned(deployment.record.specification.replicas.max)));
      own.keptAt = at;
      if (before !== undefined) restore(own, before, at);
    }
    pending.delete(deployment.name);
    const external = { ...outside.signals(), ...metrics.signals(deployment) };
    const wallMs = clock.wall();
    const observed = measure(own, { deployment, replicas, counted, ageMs, at, wallMs, external });
    const { specification } = deployment.record;
    const known = before && { kept: before.kept.forecasts, passedMs: before.passedMs };
    const seen = tell(own, observed, at, {
      deployment: deployment.name,
      specification,
      ask: channel.ask,
      before: known,
    });
    const choice = policyOf(specification);
    const order = {
      deployment: deployment.name,
      resources: resourcesOf(specification),
      placement: specification.placement,
    };
    const room = roomOf(parts.cluster?.seen(), order, replicas, at);
    const found = room === undefined ? {} : { room };
    const constraints = { ...constraintsOf(specification), ...found };
    if (own.mind === undefined || !isDeepStrictEqual(own.mind.choice, choice)) {
      const goesOn = beginning(own, before, choice, at);
      own.mind = createMind(choice, seen, constraints, at, () => clock.now(), parts.makePolicy, goesOn);
      own.recalls = goesOn?.state.states[0] === undefined;
    }
    own.lookedAt = at;
    const told = multiplied(seen, multipliersOf(specification));
    const claims = [...claimsOn(deployment, own, seen, outside.claimsOn(deployment.name), at), ...told.claims];
    const thought = own.mind.think(told.seen, claims, constraints, at);
    verify(parts, deployment.name, own, seen, at);
    const { mode } = modes.of(deployment);
    const done = acting.act(deployment, own, seen, thought, at);
    // A move answers once it is written.
    if (done.kind !== 'moved') acting.answer(deployment.name, seen.fleet.target, thought, done);
    // Before a service time is known, requests are no load.
    if (own.recalls && seen.signals.serviceMs.kind === 'fresh') remembering.recallOnRecord(deployment, own, own.mind);
    const doubt = thought.doubt ?? doubtOf('the load', seen.signals.arrivals);
    own.doubtSince = doubt === undefined ? undefined : (own.doubtSince ?? at);
    const doubtful = own.doubtSince !== undefined && at - own.doubtSince >= doubtMs;
    own.last = { wallMs, seen, thought, doubt, done, mode, doubtful, ...found };
    const idle = counted.arrivals === 0 && counted.inFlight === 0 && counted.queued === 0 && ageMs < lookEveryMs;
    const still = idle && done.kind === 'held' && doubt === undefined;
    own.quietSince = still ? (own.quietSince ?? at) : undefined;
    if (done.kind !== 'held' || doubtful || thought.unsound.length > 0 || own.journalled !== undefined) {
      keep(parts, deployment.name, own, own.last, at);
    }
    const learns = own.quietSince === undefined || at - own.quietSince < own.keepEveryMs;
    if (learns && at - own.keptAt >= own.keepEveryMs) remembering.keepMind(deployment.name, own, at);
  }

  /** Each regular look is at all; one in between only at those whose load has jumped. */
  function look(jumped: boolean): void {
    const at = clock.now();
    const load: LoadLook = counts.look(channel.gateways(), at);
    const replicas = replicasByDeployment();
    approvals.expire();
    const names = new Set<string>();
    for (const deployment of deployments.all()) {
      if (!mayMove(deployment)) continue;
      names.add(deployment.name);
      const own = governed.get(deployment.name);
      const counted = withCounts(load.of(deployment.name), pending.get(deployment.name));
      pending.set(deployment.name, counted);
      const { arrivals, inFlight } = counted;
      const found = replicas.get(deployment.name) ?? [];
      if (jumped && !hasJumped(own, counted, found, at)) continue;
      const isAsked = arrivals > 0 || inFlight > 0;
      if (own !== undefined && !isAsked && rests(own, at) && outside.claimsOn(deployment.name).length === 0) continue;
      try {
        lookAt(deployment, found, counted, load.ageMs, at);
      } catch (error) {
        const message = error instanceof Error ? error.message : String(error);
        publish('flyball:fault', { where: `governing ${deployment.name}`, message, error });
      }
    }
    const isThere = (name: string): boolean => deployments.find(name) !== undefined;
    for (const [name, own] of governed) {
      if (names.has(name)) continue;
      governed.delete(name);
      pending.delete(name);
      // One that sleeps goes on from what was known of it once it is awake.
      if (isThere(name)) remembering.keepMind(name, own, at);
    }
    modes.retain(isThere);
    minds.retain(isThere);
  }

  function hasJumped(own: Governed | undefined, { queued }: Counted, found: readonly Replica[], at: number): boolean {
    if (own?.lookedAt === undefined) return false;
    const ready = found.filter(({ phase, stopping }) => phase === 'ready' && !stopping).length;
    return isSurprise({ queued, ready }, { queued: own.queued, ageMs: at - own.lookedAt });
  }

  function next(): void {
    cancel = clock.after(lookEveryMs, () => {
      look(false);
      if (!stopped) next();
    });
  }

  return {
    of: (deployment) => governed.get(deployment),
    async approve(id, by) {
      const approval = approvals.get(id);
      const { deployment, from, to, reason } = approval;
      const details = { id, from, to };
      const move = { deployment, from, to, by, reason, approved: true, kind: 'approval', details } as const;
      const moved = await moveTarget(parts, move);
      if (moved.kind === 'refused') throw new FlyballError('CONFLICT', `${id} cannot be carried out: ${moved.reason}`);
      approvals.decided(approval, 'approve', by, reason);
      const own = governed.get(deployment);
      if (own?.last !== undefined) expect(own, moved, from, to, own.last.seen, clock.now());
      const done: Done = { kind: 'moved', why: `${by} approved ${id}` };
      outside.answer(deployment, { done, held: from, target: to, cuts: () => '', entry: moved.entry.id });
      return approval;
    },
    reject(id, by, reason) {
      const approval = approvals.get(id);
      approvals.decided(approval, 'reject', by, reason);
      return approval;
    },
    replicaReady({ deployment, readyAfterMs, facts }) {
      const own = governed.get(deployment);
      if (own === undefined || readyAfterMs === undefined) return;
      const { loadMs: load = 0, warmMs: warm = 0 } = facts?.stages ?? {};
      own.lags = noteStart(own.lags, { start: Math.max(0, readyAfterMs - load - warm), load, warm });
    },
    decidedMs({ deployment, orderedAt }) {
      const ms = orderedAt - (governed.get(deployment)?.movedAt ?? Number.NEGATIVE_INFINITY);
      return ms <= decideMsMax ? Math.max(0, ms) : 0;
    },
    heard: () => look(true),
    settled: () => background.settled(),
    async look() {
      look(false);
      await background.settled();
    },
    start() {
      if (!stopped) return;
      stopped = false;
      next();
    },
    async stop() {
      stopped = true;
      cancel();
      for (const [name, own] of governed) remembering.keepMind(name, own, clock.now());
      await background.settled();
    },
  };
}
