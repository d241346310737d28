/**
 * The replicas of one deployment version as this worker sees them: their connections, slots and health. Of a request it
 * knows no more than whether somebody still waits for it. A replica is in use when its connection is ready and the table says `ready`; draining ones are in use only
 * when the version is being retired and the table has no other: its queue is finished on them.
 * Invariant: a slot that was taken is released once, when the work has really ended.
 */
import { afterFailure, afterSuccess, healthAt, healthy } from '../core/routing/replica-health.ts';
import { chooseReplica } from '../core/routing/choose-replica.ts';
import { isOverdue, judge } from '../core/routing/hang.ts';
import { learnPace } from '../core/routing/pace.ts';
import type { CostPoint } from '../protocol/frames/messages.ts';
import { publish } from '../telemetry/events.ts';
import { ejectionOf, newReplica, unwanted, type Replica, type Work } from './replica.ts';
import type { ConnectReplica } from './replica-connection.ts';
import type { ReplicaObservation, ReplicaRoute } from './routing-table.ts';

export interface PoolOptions {
  readonly deployment: string;
  readonly version: string;
  readonly connect: ConnectReplica;
  readonly now: () => number;
  /** The replicas in use, or what they take, may have changed. */
  onChange(): void;
  /** The last call of a draining replica has ended. */
  onDrained(): void;
  onCostCurve(points: readonly CostPoint[]): void;
}

export class ReplicaPool {
  readonly #options: PoolOptions;
  readonly #replicas = new Map<string, Replica>();
  #inUse: Replica[] = [];
  #ejected = 0;
  #retired = false;
  #uses = 0;
  rowsInFlight = 0;
  /** Replicas that have something to do. */
  busy = 0;

  constructor(options: PoolOptions) {
    this.#options = options;
  }

  /** Replicas that are given work. */
  get ready(): number {
    return this.#ejected === this.#inUse.length ? this.#inUse.length : this.#inUse.length - this.#ejected;
  }

  /** Those but this one. */
  readyBeside(replica: Replica): number {
    const counted =
      this.#inUse.includes(replica) && (replica.health.kind !== 'ejected' || this.#ejected === this.#inUse.length);
    return this.ready - (counted ? 1 : 0);
  }

  /** When the next ejection is over; Infinity without one. */
  get readmissionAt(): number {
    let next = Infinity;
    if (this.#ejected > 0)
      for (const { health } of this.#inUse) if (health.kind === 'ejected') next = Math.min(next, health.until);
    return next;
  }

  update(routes: readonly ReplicaRoute[], retired: boolean): void {
    this.#retired = retired;
    const listed = new Set(routes.map((route) => route.id));
    for (const replica of this.#replicas.values()) if (!listed.has(replica.id)) this.#part(replica);
    for (const route of routes) {
      const known = this.#replicas.get(route.id);
      if (known === undefined) this.#add(route);
      else known.route = route;
    }
    this.#review();
  }

  /** A replica with room, with the least outstanding work. */
  choose(depth: number, waiting: number, at: number): Replica | undefined {
    if (this.#ejected > 0) this.#readmit(at);
    return chooseReplica(this.#inUse, { depth, waiting, uses: this.#uses });
  }

  take(replica: Replica, work: Work, at: number): void {
    const { rows } = work;
    this.#uses += 1;
    if (replica.outstandingCalls === 0) {
      replica.progressAt = at;
      this.busy += 1;
    }
    replica.calls += 1;
    replica.lastUsed = this.#uses;
    replica.work.push(work);
    replica.outstandingCalls += 1;
    replica.outstandingRows += rows;
    this.rowsInFlight += rows;
  }

  release(replica: Replica, work: Work, at: number): void {
    const { rows } = work;
    replica.progressAt = at;
    replica.overdue = false;
    const last = replica.work.pop();
    if (last !== undefined && last !== work) replica.work[replica.work.indexOf(work)] = last;
    if (replica.unwantedSince !== undefined) {
      replica.unwantedSince = undefined;
      // One that has been ended, or has died, is not back.
      if (replica.connection.ready) this.#tell(replica, 'readmitted', 'its overdue work has ended');
    }
    replica.outstandingCalls -= 1;
    replica.outstandingRows -= rows;
    this.rowsInFlight -= rows;
    if (replica.outstandingCalls > 0) return;
    this.busy -= 1;
    if (replica.gone) replica.connection.close();
    else if (replica.route.state === 'draining') this.#options.onDrained();
  }

  succeeded(replica: Replica): void {
    if (replica.health === healthy) return;
    const trial = replica.health.kind === 'trial';
    replica.health = afterSuccess(replica.health);
    if (trial) this.#tell(replica, 'readmitted', 'it answered on trial');
  }

  /** What a call took against what was expected of it. */
  learn(replica: Replica, tookMs: number, expectedMs: number | undefined): void {
    replica.pace = learnPace(replica.pace, tookMs, expectedMs);
  }

  /**
   * Looks for replicas that hang, and parts them from what they have in flight, which then runs elsewhere. The only one
   * is left with its work: its callers have nowhere else to go, and it may come round before their deadlines.
   */
  watch(expectedMs: (rows: number) => number | undefined, at: number): void {
    let late = false;
    for (const replica of this.#replicas.values()) {
      if (replica.outstandingCalls === 0 || !replica.connection.ready) continue;
      const busyForMs = at - replica.progressAt;
      const expected = expectedMs(replica.outstandingRows);
      const before = replica.overdue;
      replica.overdue = isOverdue(busyForMs, expected);
      late ||= replica.overdue && !before;
      // Where nothing is known of what it should take, a first call may well be long.
      if (replica.overdue && expected !== undefined) this.#lookWhoWaits(replica, at);
      const verdict = judge({
        busyForMs,
        expectedMs: expected,
        askedForMs: replica.askedAt === undefined ? undefined : at - replica.askedAt,
        heardForMs: at - replica.heardAt,
      });
      if (verdict === 'ask') {
        replica.askedAt = at;
        replica.connection.ask();
      } else if (verdict === 'hung' && this.ready > 1) {
        const silent = Math.round(at - (replica.askedAt ?? at));
        replica.hangs = `it hangs: its work is overdue and it has said nothing for ${silent} ms`;
        this.#tell(replica, 'ejected', replica.hangs);
        replica.connection.abandon(replica.hangs);
      }
    }
    // What waited for it, because it was quick, goes to others.
    if (late) this.#options.onChange();
  }

  #lookWhoWaits(replica: Replica, at: number): void {
    const wanted = replica.work.some(({ jobs }) => jobs.some((job) => job.state !== 'ended' && !job.signal.aborted));
    if (wanted || replica.unwantedSince !== undefined) return;
    replica.unwantedSince = at;
    this.#tell(replica, 'ejected', unwanted);
  }

  failed(replica: Replica, reason: string, at: number): void {
    replica.health = afterFailure(replica.health, at);
    if (replica.health.kind !== 'ejected') return;
    replica.ejectedFor = reason;
    this.#tell(replica, 'ejected', `${reason}; no work for ${Math.round(replica.health.until - at)} ms`);
    this.#review();
  }

  /** It said that it is draining, before the table did. */
  refused(replica: Replica): void {
    replica.refusing = true;
    this.#review();
  }

  observe(queueLength: number): ReplicaObservation[] {
    // On draining replicas that still have a queue to finish, what waits counts as theirs: they are not drained yet.
    return [...this.#replicas.values()].map((replica) => ({
      id: replica.id,
      outstanding:
        replica.outstandingCalls +
        (replica.route.state === 'draining' && this.#inUse.includes(replica) ? queueLength : 0),
      connected: replica.connection.connected,
      ejected: ejectionOf(replica),
      unwantedMs: replica.unwantedSince === undefined ? undefined : this.#options.now() - replica.unwantedSince,
    }));
  }

  /** Parts with all; calls in flight end as they end. */
  retire(): void {
    for (const replica of this.#replicas.values()) this.#part(replica);
    this.#review();
  }

  #add(route: ReplicaRoute): void {
    const connection = this.#options.connect(route, {
      onChange: () => {
        if (!connection.connected) replica.refusing = false;
        else if (replica.hangs !== undefined) {
          replica.hangs = undefined;
          this.#tell(replica, 'readmitted', 'it answers again');
        }
        replica.askedAt = undefined;
        this.#review();
        this.#options.onChange();
      },
      onCostCurve: (points) => this.#options.onCostCurve(points),
      onAnswer: () => {
        replica.askedAt = undefined;
        replica.heardAt = this.#options.now();
      },
    });
    const replica = newReplica(route, connection);
    this.#replicas.set(route.id, replica);
  }

  #part(replica: Replica): void {
    this.#replicas.delete(replica.id);
    replica.gone = true;
    if (replica.outstandingCalls === 0) replica.connection.close();
  }

  #review(): void {
    const all = [...this.#replicas.values()];
    const finishes = this.#retired && !all.some((replica) => replica.route.state === 'ready');
    const wanted = finishes ? 'draining' : 'ready';
    this.#inUse = all.filter(
      (replica) => replica.route.state === wanted && replica.connection.ready && !replica.refusing,
    );
    this.#ejected = this.#inUse.filter((replica) => replica.health.kind === 'ejected').length;
  }

  #readmit(at: number): void {
    for (const replica of this.#inUse) replica.health = healthAt(replica.health, at);
    this.#ejected = this.#inUse.filter((replica) => replica.health.kind === 'ejected').length;
  }

  #tell(replica: Replica, state: 'ejected' | 'readmitted', reason: string): void {
    const { deployment, version } = this.#options;
    publish('flyball:replica', { deployment, version, replica: replica.id, state, reason });
  }
}
