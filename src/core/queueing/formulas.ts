/**
 * Queues in equilibrium, for requirements and priors: A. K. Erlang 1917 (blocking, waiting), F. Pollaczek 1930 and
 * A. Khinchine 1932 (one server), A. O. Allen 1978 and J. W. Cunneen (many servers, any distribution).
 * Rates are per unit of time, waits in the same unit; `load` is the offered load a = λ/μ, in servers; `scv` is a squared
 * coefficient of variation (0: always the same, 1: exponential). Where there is no equilibrium (a ≥ c) waits are infinite.
 */

/** Erlang's B: the share that is lost without a queue. B(0) = 1, B(c) = a·B(c-1) / (c + a·B(c-1)): no factorials. */
export function erlangB(servers: number, load: number): number {
  let blocking = 1;
  for (let count = 1; count <= servers; count += 1) blocking = (load * blocking) / (count + load * blocking);
  return blocking;
}

/** Erlang's C: the share that has to wait. C = B / (1 - ρ + ρ·B) with ρ = a/c. */
export function erlangC(servers: number, load: number): number {
  return load >= servers ? 1 : fromBlocking(erlangB(servers, load), load / servers);
}

const fromBlocking = (blocking: number, utilization: number): number =>
  blocking / (1 - utilization + utilization * blocking);

/** The load that `servers` carry without a queue at this share of loss: B falls with a, so by bisection. */
export function erlangBInverse(servers: number, blocking: number): number {
  let low = 0;
  let high = Math.max(1, servers) / (1 - blocking);
  while (erlangB(servers, high) < blocking) high *= 2;
  for (let middle = (low + high) / 2; middle > low && middle < high; middle = (low + high) / 2) {
    if (erlangB(servers, middle) < blocking) low = middle;
    else high = middle;
  }
  return high;
}

export interface Queue {
  readonly servers: number;
  readonly arrivalRate: number;
  readonly serviceRate: number;
}

/** Means: waiting (`Wq`) and in all (`W`), waiting requests (`Lq`) and all of them (`L`). */
export interface Means {
  readonly Wq: number;
  readonly W: number;
  readonly Lq: number;
  readonly L: number;
}

/** M/M/c. Wq = C / (cμ - λ), the rest by Little's law L = λW. */
export function mmc({ servers, arrivalRate, serviceRate }: Queue): Means {
  const load = arrivalRate / serviceRate;
  const spare = servers * serviceRate - arrivalRate;
  const waits = spare > 0 ? erlangC(servers, load) / spare : Number.POSITIVE_INFINITY;
  return { Wq: waits, W: waits + 1 / serviceRate, Lq: arrivalRate * waits, L: arrivalRate * waits + load };
}

/** P(Wq > t) = C·e^{-(cμ-λ)t}. */
export function waitExceeds({ servers, arrivalRate, serviceRate }: Queue, time: number): number {
  const spare = servers * serviceRate - arrivalRate;
  return spare > 0 ? erlangC(servers, arrivalRate / serviceRate) * Math.exp(-spare * time) : 1;
}

/** The wait that the share `quantile` stays below; 0 where that many do not wait at all. */
export function waitQuantile({ servers, arrivalRate, serviceRate }: Queue, quantile: number): number {
  const spare = servers * serviceRate - arrivalRate;
  if (spare <= 0) return Number.POSITIVE_INFINITY;
  const waiting = erlangC(servers, arrivalRate / serviceRate);
  return 1 - waiting >= quantile ? 0 : Math.log(waiting / (1 - quantile)) / spare;
}

/** P(W > t) = e^{-μt}·(1 + C·(1 - e^{-μt(c-1-a)}) / (c-1-a)), and 1 + Cμt in the bracket where c-1 = a. */
export function sojournExceeds({ servers, arrivalRate, serviceRate }: Queue, time: number): number {
  const load = arrivalRate / serviceRate;
  if (load >= servers) return 1;
  const waiting = erlangC(servers, load);
  const gap = servers - 1 - load;
  const elapsed = serviceRate * time;
  // Next to zero the quotient is the difference of two almost equal numbers: expm1 keeps its digits.
  const bracket = gap === 0 ? elapsed : -Math.expm1(-elapsed * gap) / gap;
  return Math.exp(-elapsed) * (1 + waiting * bracket);
}

/** P(empty) = 1 / (Σ_{k<c} aᵏ/k! + a^c/c! · 1/(1-ρ)), summed by logarithms because the terms overflow. */
export function emptyProbability({ servers, arrivalRate, serviceRate }: Queue): number {
  const load = arrivalRate / serviceRate;
  if (load >= servers) return 0;
  const logs = logTerms(servers, servers, load);
  const last = logs.length - 1;
  logs[last] = (logs[last] as number) - Math.log1p(-load / servers);
  const { largest, total } = sumOfExponentials(logs);
  return Math.exp(-largest) / total;
}

/** Logarithms of the unnormalised weights of 0 … capacity requests: aᵏ/k!, and times ρ for each that waits. */
function logTerms(servers: number, capacity: number, load: number): number[] {
  const logs = [0];
  for (let count = 1, log = 0; count <= capacity; count += 1) {
    log += Math.log(load / Math.min(count, servers));
    logs.push(log);
  }
  return logs;
}

function sumOfExponentials(logs: readonly number[]): { readonly largest: number; readonly total: number } {
  let largest = Number.NEGATIVE_INFINITY;
  for (const log of logs) if (log > largest) largest = log;
  let total = 0;
  for (const log of logs) total += Math.exp(log - largest);
  return { largest, total };
}

export interface Limited extends Means {
  /** Share that finds the system full, share of the time in which it is empty, and what gets through per unit of time. */
  readonly blocking: number;
  readonly empty: number;
  readonly throughput: number;
}

/** M/M/c/K: at most `capacity` requests in the whole system, waiting ones included; there is always an equilibrium. */
export function mmck({ servers, arrivalRate, serviceRate }: Queue, capacity: number): Limited {
  const logs = logTerms(servers, capacity, arrivalRate / serviceRate);
  const { largest, total } = sumOfExponentials(logs);
  let all = 0;
  let waiting = 0;
  for (const [count, log] of logs.entries()) {
    const probability = Math.exp(log - largest) / total;
    all += count * probability;
    waiting += Math.max(0, count - servers) * probability;
  }
  const blocking = Math.exp((logs[capacity] as number) - largest) / total;
  const throughput = arrivalRate * (1 - blocking);
  return {
    blocking,
    empty: Math.exp(-largest) / total,
    throughput,
    L: all,
    Lq: waiting,
    W: all / throughput,
    Wq: waiting / throughput,
  };
}

/** M/G/1 (Pollaczek-Khinchine): Wq = ρ·S·(1 + cs²) / (2·(1-ρ)). */
export function mg1(arrivalRate: number, meanService: number, serviceScv: number): Means {
  const rho = arrivalRate * meanService;
  const waits = rho < 1 ? (rho * meanService * (1 + serviceScv)) / (2 * (1 - rho)) : Number.POSITIVE_INFINITY;
  return { Wq: waits, W: waits + meanService, Lq: arrivalRate * waits, L: arrivalRate * waits + rho };
}

/** G/G/c (Allen-Cunneen): the wait of M/M/c times (ca² + cs²)/2. An approximation, exact for M/M/c and M/G/1. */
export function ggcWait(queue: Queue, arrivalScv: number, serviceScv: number): number {
  return (mmc(queue).Wq * (arrivalScv + serviceScv)) / 2;
}

/** The fewest servers of an M/M/c with P(Wq > waitLimit) ≤ exceedProbability. */
export function serversFor(
  arrivalRate: number,
  serviceRate: number,
  waitLimit: number,
  exceedProbability: number,
): number {
  const load = arrivalRate / serviceRate;
  let servers = Math.floor(load) + 1;
  let blocking = erlangB(servers, load);
  for (;;) {
    const waiting = fromBlocking(blocking, load / servers);
    const spare = servers * serviceRate - arrivalRate;
    if (waiting * Math.exp(-spare * waitLimit) <= exceedProbability) return servers;
    servers += 1;
    blocking = (load * blocking) / (servers + load * blocking);
  }
}

/**
 * How long a backlog takes to go at a fleet of `servers`, as a fluid: q / (cμ - λ); infinite while it grows. The number
 * of servers that drain it within `time` is λ/μ + q/(μ·time).
 */
export function drainTime({ servers, arrivalRate, serviceRate }: Queue, backlog: number): number {
  if (backlog <= 0) return 0;
  const spare = servers * serviceRate - arrivalRate;
  return spare > 0 ? backlog / spare : Number.POSITIVE_INFINITY;
}

export function serversToDrain(arrivalRate: number, serviceRate: number, backlog: number, time: number): number {
  return Math.ceil(arrivalRate / serviceRate + Math.max(0, backlog) / (serviceRate * time));
}
