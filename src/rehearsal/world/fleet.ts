/**
 * The replicas of the simulated world as an orchestrator has them: ordered, starting for a while, serving, draining. It
 * keeps the target as upkeep does: what is missing is started, what is too much goes, pending starts first and the newest
 * of them first; a replica that died is replaced at once.
 * Replica-seconds count from the order to the end: a replica costs while it starts and while it drains.
 */
import { draw, drawTable, meanOf, quantileOf } from './distribution.ts';
import type { Faults } from '../faults.ts';
import type { Rng } from '../../rng.ts';
import type { Scenario } from '../scenario.ts';
import { Starts } from './starts.ts';
import type { World } from './world.ts';

/** What a tier has really shown is told as its 90th percentile. */
const shownShare = 0.9;

export class Fleet {
  readonly #world: World;
  readonly #faults: Faults;
  readonly #chance: Rng;
  readonly #lags: Float64Array | undefined;
  readonly #starts: Starts | undefined;
  readonly #meanLagMs: number;
  /** Of those that start, in the order in which they were ordered. */
  readonly #readyAt: number[] = [];
  #nextReadyAt = Infinity;
  #accountedTo = 0;
  target: number;
  replicaMs = 0;
  /** Serving, over time, since `nextSpan`. */
  servingMs = 0;
  starts = 0;
  crashes = 0;
  readonly lagMs: number;

  /** `initial` replicas serve from the start. */
  constructor(
    world: World,
    { lag, starts, initial }: Pick<Scenario, 'lag' | 'starts' | 'initial'>,
    faults: Faults,
    chance: Rng,
  ) {
    this.#world = world;
    this.#faults = faults;
    this.#chance = chance;
    this.#lags = drawTable(lag);
    this.#starts = starts === undefined || starts.starts.length === 0 ? undefined : new Starts(starts, chance);
    this.#meanLagMs = meanOf(lag);
    this.lagMs = quantileOf(lag, shownShare);
    this.target = initial;
    for (let count = 0; count < initial; count += 1) world.open(0);
  }

  get starting(): number {
    return this.#readyAt.length;
  }

  get serving(): number {
    return this.#world.slots.serving;
  }

  /** Those that have served since then. */
  steady(since: number): number {
    return this.#world.slots.servingSince(since);
  }

  /**
   * Everything that happens up to `until`: requests, replicas that become ready, replicas that die. Returns how far it
   * came, which is less where the load has jumped.
   */
  advance(until: number): number {
    const world = this.#world;
    for (;;) {
      const next = Math.min(this.#nextReadyAt, this.#faults.crashAt);
      if (next > until) break;
      const reached = world.advance(next);
      this.#account(reached);
      if (reached < next) return reached;
      if (next === this.#nextReadyAt) this.#ready(next);
      else this.#crash(next);
    }
    const reached = world.advance(until);
    this.#account(reached);
    return reached;
  }

  /** The target from now on. */
  order(target: number, at: number): void {
    this.#account(at);
    this.target = target;
    this.#keep(at);
  }

  nextSpan(): void {
    this.servingMs = 0;
  }

  #keep(at: number): void {
    let excess = this.starting + this.serving - this.target;
    while (excess < 0) {
      const lag = this.#drawLag(-excess);
      const readyAt = at + lag * this.#faults.startFactor();
      this.#readyAt.push(readyAt);
      this.#nextReadyAt = Math.min(this.#nextReadyAt, readyAt);
      this.starts += 1;
      excess += 1;
    }
    const cancelled = Math.min(excess, this.starting);
    if (cancelled > 0) {
      this.#readyAt.length -= cancelled;
      this.#nextReadyAt = Math.min(Infinity, ...this.#readyAt);
      excess -= cancelled;
    }
    for (; excess > 0; excess -= 1) {
      // Its process is there for a while after its last call.
      if (this.#world.drain()) this.replicaMs += this.#starts?.drawStop() ?? 0;
    }
    // A replica that starts in no time serves at once.
    while (this.#nextReadyAt <= at) this.#ready(at);
  }

  /** `ordered`: how many are, with this one. */
  #drawLag(ordered: number): number {
    const { starting } = this;
    if (this.#starts !== undefined) return this.#starts.draw(starting, starting + ordered - 1);
    return this.#lags === undefined ? this.#meanLagMs : draw(this.#lags, this.#chance.next());
  }

  #ready(at: number): void {
    this.#readyAt.splice(this.#readyAt.indexOf(this.#nextReadyAt), 1);
    this.#nextReadyAt = Math.min(Infinity, ...this.#readyAt);
    this.#world.open(at);
  }

  #crash(at: number): void {
    const victim = this.#faults.crash(this.serving);
    if (this.serving === 0) return;
    this.crashes += 1;
    this.#world.crash(victim, at);
    this.#keep(at);
  }

  #account(at: number): void {
    const elapsed = at - this.#accountedTo;
    const { serving, drainingCount } = this.#world.slots;
    this.replicaMs += elapsed * (this.starting + serving + drainingCount);
    this.servingMs += elapsed * serving;
    this.#accountedTo = at;
  }
}
