/**
 * Upkeep: what has to be done so that each deployment has the replicas that are wanted, at the version that is wanted.
 * It holds the target, it never chooses one: how many and which version are given.
 *
 *   replica:    starting → ready ⇄ draining → (gone)       a failed one is stopped, a dead one is just not there
 *   deployment: serving S ──(enough of T ready)──▶ serving T, S drains but stays in reserve ──(T has lived)──▶ S stops
 *                    ▲────────────(T's replicas end meanwhile: S is restored, T is rejected)────┘
 *               asleep: no replica; S is still what serves, and stays so until T has been loaded once
 *
 * Invariant: what serves is given up only for at least as many that are ready, and T that cannot load never replaces S.
 */
import { cannotLoad, retryAt, type Failure } from './failures.ts';

export type ReplicaPhase =
  | { readonly kind: 'starting' }
  | { readonly kind: 'ready' }
  /**
   * `drained`: every gateway has confirmed that it has nothing there any more. `restorable`: it would take work again
   * if it were let; one that is ending by itself would not.
   */
  | { readonly kind: 'draining'; readonly since: number; readonly drained: boolean; readonly restorable?: boolean }
  | { readonly kind: 'failed' };

export interface ReplicaSeen {
  readonly id: string;
  /** Version and settings that it runs: `3/9f2c1a`. */
  readonly template: string;
  readonly phase: ReplicaPhase;
  readonly startedAt: number;
  /** Requests in flight, as far as known. */
  readonly outstanding: number;
}

export interface Reserve {
  readonly template: string;
  /** Monotonic milliseconds. */
  readonly until: number;
}

/** What the node's memory leaves of what this deployment would start (memory.ts). */
export interface MemoryHold {
  readonly startsMax: number;
  /** It will not fit, whoever goes. */
  readonly never: boolean;
  readonly reason: string;
}

export interface DeploymentSeen {
  readonly name: string;
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  /** Template that is wanted; absent when the reference resolves to nothing. */
  readonly target?: string;
  /** Template that answers now; absent before the first was ready. */
  readonly serving?: string;
  readonly removing: boolean;
  /** Of `min: 0` and put to sleep (sleep.ts): no replica is wanted, whatever `desired` says. */
  readonly asleep: boolean;
  /** Requests that find no replica and wait for one. */
  readonly waiting: number;
  /** Absent where memory is no question. */
  readonly memory?: MemoryHold;
  readonly drainMs: number;
  /** How long a template must have served before the one that it replaced is given up; 0 keeps no reserve. */
  readonly probationMs: number;
  /** What served before, until what serves now has proved itself. */
  readonly reserve?: Reserve;
  readonly replicas: readonly ReplicaSeen[];
  /** By template. */
  readonly failures: ReadonlyMap<string, Failure>;
}

export type Action =
  | {
      readonly kind: 'start';
      readonly template: string;
      readonly count: number;
      readonly reason: string;
      /** Somebody waits, nothing else serves, and the template has served before: the first call may be its warm-up. */
      readonly awaited?: true;
    }
  | { readonly kind: 'drain'; readonly replica: string; readonly reason: string }
  /** It serves nobody (any more): end it. */
  | { readonly kind: 'stop'; readonly replica: string; readonly reason: string }
  /** From now on the table sends requests to this template. */
  | { readonly kind: 'switch'; readonly template: string; readonly reserve?: Reserve; readonly reason: string }
  /** `template`, which served before, serves again; `rejected` is not tried until somebody asks for it. */
  | { readonly kind: 'revert'; readonly template: string; readonly rejected: string; readonly reason: string }
  /** It was to go and has not gone yet: it takes work again. */
  | { readonly kind: 'restore'; readonly replica: string; readonly reason: string }
  /** The deployment was to be removed, and nothing is left of it. */
  | { readonly kind: 'forget'; readonly reason: string };

/**
 * What becomes of a request that finds no ready replica. `wait`: one is on its way, or comes for whoever waits;
 * `refuse`: none will come soon, new ones are turned away; `fail`: none can come, those that wait fail with the reason.
 */
export type Callers = 'wait' | 'refuse' | 'fail';

export interface Upkeep {
  readonly actions: readonly Action[];
  readonly state: 'serving' | 'starting' | 'updating' | 'degraded' | 'failed' | 'asleep' | 'idle';
  /** Why it is not simply serving. */
  readonly reason?: string;
  readonly callers: Callers;
  /** When to look again although nothing happened: a back-off or a drain ends. */
  readonly wakeAt?: number;
}

/** `3/9f2c1a` → `version 3`. */
export function templateVersion(template: string): string {
  const slash = template.indexOf('/');
  return slash === -1 ? template : template.slice(0, slash);
}

/** One that is awake has at least one. */
export function wantedReplicas(seen: Pick<DeploymentSeen, 'desired' | 'min' | 'max' | 'removing' | 'asleep'>): number {
  return seen.removing || seen.asleep ? 0 : Math.min(seen.max, Math.max(seen.min, seen.desired, 1));
}

/** First those that cost least to lose: still starting, then idle, then the youngest; ties by id, so that it is total. */
function byLoss(left: ReplicaSeen, right: ReplicaSeen): number {
  return (
    Number(left.phase.kind === 'ready') - Number(right.phase.kind === 'ready') ||
    left.outstanding - right.outstanding ||
    right.startedAt - left.startedAt ||
    (left.id < right.id ? 1 : -1)
  );
}

function giveUp(replica: ReplicaSeen, reason: string): Action {
  // One that is still starting was never routed to: there is nothing to drain.
  return replica.phase.kind === 'starting'
    ? { kind: 'stop', replica: replica.id, reason }
    : { kind: 'drain', replica: replica.id, reason };
}

/** Brings one template to `count` replicas; the back-off decides when, and after a failed load one has to prove itself. */
function keepAt(
  seen: DeploymentSeen,
  template: string,
  count: number,
  startsMax: number,
  at: number,
): { readonly actions: readonly Action[]; readonly wakeAt: number } {
  const active = seen.replicas.filter(
    (replica) => replica.template === template && (replica.phase.kind === 'starting' || replica.phase.kind === 'ready'),
  );
  const surplus = active.length - count;
  if (surplus > 0) {
    const reason = seen.removing
      ? 'the deployment is being removed'
      : seen.asleep
        ? 'nobody asks: it goes to sleep'
        : `${active.length} replicas, ${count} wanted`;
    return {
      actions: active
        .toSorted(byLoss)
        .slice(0, surplus)
        .map((replica) => giveUp(replica, reason)),
      wakeAt: Number.POSITIVE_INFINITY,
    };
  }
  if (surplus === 0) return { actions: [], wakeAt: Number.POSITIVE_INFINITY };
  const recalled = recall(seen, template, -surplus, at);
  const missing = -surplus - recalled.length;
  if (missing === 0) return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  const failure = seen.failures.get(template);
  const allowedAt = retryAt(failure);
  if (at < allowedAt) return { actions: recalled, wakeAt: allowedAt };
  const proving = failure?.kind === 'load';
  if (proving && active.some((replica) => replica.phase.kind === 'starting')) {
    return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  }
  const woken = failure === undefined && active.length === 0 && seen.min === 0 && seen.waiting > 0;
  const reason = woken
    ? `${seen.waiting === 1 ? 'a request waits' : `${seen.waiting} requests wait`} for it`
    : failure === undefined
      ? `${active.length} of ${count} replicas of version ${templateVersion(template)} are there`
      : failure.kind === 'death' && failure.count === 1
        ? `replaces one that ended: ${failure.reason}`
        : `tries again after ${failure.count === 1 ? 'a failure' : `${failure.count} failures`}: ${failure.reason}`;
  const starts = Math.min(proving ? 1 : missing, startsMax);
  if (starts === 0) return { actions: recalled, wakeAt: Number.POSITIVE_INFINITY };
  const awaited = woken && template === seen.serving ? { awaited: true as const } : {};
  const start: Action = { kind: 'start', template, count: starts, reason, ...awaited };
  return { actions: [...recalled, start], wakeAt: Number.POSITIVE_INFINITY };
}

/** Of what serves, those that were to go, are still there and can take work again: sooner there than any new one. */
function recall(seen: DeploymentSeen, template: string, count: number, at: number): readonly Action[] {
  if (template !== seen.serving) return [];
  return seen.replicas
    .filter(
      ({ template: own, phase }) =>
        own === template && phase.kind === 'draining' && phase.restorable === true && at < phase.since + seen.drainMs,
    )
    .toSorted(byLoss)
    .slice(-count)
    .map(({ id }) => ({ kind: 'restore', replica: id, reason: 'it is needed again' }));
}

function endDrains(
  seen: DeploymentSeen,
  recalled: ReadonlySet<string>,
  at: number,
): { readonly actions: readonly Action[]; readonly wakeAt: number } {
  const actions: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  for (const replica of seen.replicas) {
    if (recalled.has(replica.id)) continue;
    if (replica.phase.kind === 'failed') {
      actions.push({ kind: 'stop', replica: replica.id, reason: 'it failed to load' });
    } else if (replica.phase.kind === 'draining') {
      if (isReserve(seen, replica.template, at)) {
        wakeAt = Math.min(wakeAt, seen.reserve?.until ?? Number.POSITIVE_INFINITY);
        continue;
      }
      const endsAt = replica.phase.since + seen.drainMs;
      if (replica.phase.drained) actions.push({ kind: 'stop', replica: replica.id, reason: 'drained' });
      else if (at >= endsAt) {
        actions.push({ kind: 'stop', replica: replica.id, reason: `not drained within ${seen.drainMs} ms` });
      } else wakeAt = Math.min(wakeAt, endsAt);
    }
  }
  return { actions, wakeAt };
}

function isReserve({ reserve, removing }: DeploymentSeen, template: string, at: number): boolean {
  return !removing && reserve !== undefined && reserve.template === template && at < reserve.until;
}

/** What has proved itself stays in reserve, also when its successor is replaced before that could. */
function reserveAfter(seen: DeploymentSeen, next: string, at: number): Reserve | undefined {
  const held = seen.reserve !== undefined && isReserve(seen, seen.reserve.template, at);
  const template = held ? seen.reserve?.template : seen.serving;
  if (template === undefined || template === next || seen.probationMs === 0) return undefined;
  return { template, until: at + seen.probationMs };
}

/** Ends without a ready replica, or one after another, so soon after taking over are the new template's own fault. */
const deathsMax = 3;

function revert(seen: DeploymentSeen, wanted: number, at: number): Upkeep | undefined {
  const { serving, reserve } = seen;
  if (serving === undefined || reserve === undefined || !isReserve(seen, reserve.template, at)) return undefined;
  const failure = seen.failures.get(serving);
  if (failure?.kind !== 'death' || failure.lastAt < reserve.until - seen.probationMs) return undefined;
  const of = (name: string, kind: ReplicaPhase['kind']): readonly ReplicaSeen[] =>
    seen.replicas.filter(({ template, phase }) => template === name && phase.kind === kind);
  const ready = of(serving, 'ready').length;
  const restorable = of(reserve.template, 'draining');
  if (restorable.length === 0 || wanted === 0) return undefined;
  if (ready > 0 && (failure.count < deathsMax || restorable.length < ready)) return undefined;
  const version = templateVersion(serving);
  const reason = `version ${version} ended within ${seen.probationMs / 1000} s of taking over: ${failure.reason}`;
  return {
    actions: [
      ...restorable.slice(0, wanted).map(({ id }): Action => ({ kind: 'restore', replica: id, reason })),
      { kind: 'revert', template: reserve.template, rejected: serving, reason },
    ],
    state: 'degraded',
    reason,
    callers: 'wait',
    wakeAt: at,
  };
}

export function reconcile(seen: DeploymentSeen, at: number): Upkeep {
  const wanted = wantedReplicas(seen);
  const target = seen.target ?? seen.serving;
  const count = (template: string | undefined, kind: ReplicaPhase['kind']): number =>
    seen.replicas.filter((replica) => replica.template === template && replica.phase.kind === kind).length;
  const ready = count(target, 'ready');
  const readyBefore = seen.serving === target ? 0 : count(seen.serving, 'ready');
  const kept: Action[] = [];
  let wakeAt = Number.POSITIVE_INFINITY;
  let startsLeft = seen.memory?.startsMax ?? Number.POSITIVE_INFINITY;
  const keep = (template: string, replicas: number): void => {
    const step = keepAt(seen, template, replicas, startsLeft, at);
    for (const action of step.actions) if (action.kind === 'start') startsLeft -= action.count;
    kept.push(...step.actions);
    wakeAt = Math.min(wakeAt, step.wakeAt);
  };

  if (seen.removing && seen.replicas.length === 0) {
    const actions: readonly Action[] = [{ kind: 'forget', reason: 'no replica is left' }];
    return { actions, state: 'idle', reason: 'being removed', callers: 'refuse' };
  }
  const reverted = revert(seen, wanted, at);
  if (reverted !== undefined) return reverted;
  const rejected = target !== undefined && seen.failures.get(target)?.kind === 'rejected' && target !== seen.serving;
  let serving = seen.serving;
  if (target !== undefined && serving !== target && !seen.removing && !rejected) {
    // Enough: as many as served before, capped by what is wanted now, and one at least: what serves is only replaced by
    // what has been loaded. Where nothing serves yet and nothing is wanted, there is nothing to lose.
    const enough = serving === undefined ? Math.min(wanted, 1) : Math.max(1, Math.min(wanted, readyBefore));
    if (ready >= enough) {
      serving = target;
      const version = templateVersion(target);
      const reserve = reserveAfter(seen, target, at);
      const asked = wanted === 0 ? `version ${version} is what asking wakes` : undefined;
      kept.push({
        kind: 'switch',
        template: target,
        ...(reserve === undefined ? {} : { reserve }),
        reason: asked ?? `${ready} of ${wanted} replicas of version ${version} are ready`,
      });
    }
  }
  if (target !== undefined) keep(target, rejected ? 0 : wanted);
  const updating = serving !== undefined && serving !== target;
  const failure = target === undefined ? undefined : seen.failures.get(target);
  if (updating && serving !== undefined) {
    // Until the new version has proved itself the old one keeps its size; a start that works needs no second fleet.
    const active = count(serving, 'ready') + count(serving, 'starting');
    if (failure?.kind === 'load' || failure?.kind === 'rejected' || active > wanted) keep(serving, wanted);
  }
  for (const replica of seen.replicas) {
    const { kind } = replica.phase;
    if ((kind !== 'starting' && kind !== 'ready') || replica.template === target || replica.template === serving) {
      continue;
    }
    const reason = serving === undefined ? 'another version is wanted' : `${templateVersion(serving)} serves now`;
    kept.push(giveUp(replica, serving === undefined ? reason : `version ${reason}`));
  }
  const recalled = new Set(kept.flatMap((action) => (action.kind === 'restore' ? [action.replica] : [])));
  const drains = endDrains(seen, recalled, at);
  wakeAt = Math.min(wakeAt, drains.wakeAt);
  const actions = [...drains.actions, ...kept];
  return {
    actions,
    ...(Number.isFinite(wakeAt) ? { wakeAt } : {}),
    ...judge(seen, { wanted, target, serving, ready, readyBefore, failure, at }),
    callers: callersOf(seen, serving ?? target, actions, at),
  };
}

function callersOf(
  seen: DeploymentSeen,
  answering: string | undefined,
  actions: readonly Action[],
  at: number,
): Callers {
  if (seen.removing || answering === undefined) return 'refuse';
  const comes =
    seen.replicas.some(({ phase, template }) => phase.kind === 'starting' && template === answering) ||
    actions.some(({ kind }) => kind === 'start' || kind === 'restore');
  if (seen.memory !== undefined && !comes && !seen.asleep) return seen.memory.never ? 'fail' : 'wait';
  const failure = seen.failures.get(answering);
  const holdsBack = !comes && at < retryAt(failure);
  if (holdsBack && cannotLoad(failure)) return 'fail';
  return holdsBack && !seen.asleep ? 'refuse' : 'wait';
}

interface Facts {
  readonly wanted: number;
  readonly target: string | undefined;
  readonly serving: string | undefined;
  readonly ready: number;
  readonly readyBefore: number;
  readonly failure: Failure | undefined;
  readonly at: number;
}

/** The state in one word, and the reason in a sentence when it is not simply serving. */
function judge(seen: DeploymentSeen, facts: Facts): Pick<Upkeep, 'state' | 'reason'> {
  const { wanted, target, serving, ready, readyBefore, failure, at } = facts;
  if (seen.removing) return { state: 'idle', reason: 'being removed' };
  if (target === undefined) return { state: 'failed', reason: 'there is no such model version to serve' };
  const version = templateVersion(target);
  const words = failure === undefined ? '' : whatFailed(version, failure, seen.asleep ? undefined : at);
  const isGrave = failure?.kind === 'rejected' || cannotLoad(failure);
  if (seen.asleep && !isGrave) return { state: 'asleep' };
  if (serving !== undefined && serving !== target) {
    const before = templateVersion(serving);
    if (failure !== undefined && (readyBefore > 0 || seen.asleep)) {
      const keeps = seen.asleep ? 'is what asking wakes' : 'keeps serving';
      return { state: 'degraded', reason: `${words}; version ${before} ${keeps}` };
    }
    if (failure !== undefined) return { state: 'failed', reason: words };
    const held = seen.memory === undefined ? '' : `; ${seen.memory.reason}`;
    return { state: 'updating', reason: `${ready} of ${wanted} replicas of version ${version} are ready${held}` };
  }
  if (ready >= wanted && wanted > 0) return { state: 'serving' };
  const held = seen.memory === undefined ? '' : `; ${seen.memory.reason}`;
  const progress = `${ready} of ${wanted} replicas are ready${held}`;
  if (seen.memory?.never === true && ready === 0) return { state: 'failed', reason: seen.memory.reason };
  if (failure === undefined) return { state: 'starting', reason: progress };
  return ready > 0 ? { state: 'degraded', reason: `${progress}; ${words}` } : { state: 'failed', reason: words };
}

/** `at` is undefined while nobody wants another try. */
function whatFailed(version: string, failure: Failure, at: number | undefined): string {
  if (failure.kind === 'rejected') {
    return `version ${version} took over and ended at once: ${failure.reason} (not tried again until it is deployed anew)`;
  }
  const wait = at === undefined ? 0 : Math.ceil((retryAt(failure) - at) / 1000);
  const again = at === undefined ? 'tried again when asked' : wait > 0 ? `trying again in ${wait} s` : 'trying again';
  return failure.kind === 'load'
    ? `version ${version} failed to load: ${failure.reason} (${again})`
    : `a replica of version ${version} ended: ${failure.reason} (${again})`;
}
