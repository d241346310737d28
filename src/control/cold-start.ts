/**
 * How long it took from a request that found nobody to its answer, by stage. It follows one wake a deployment, from
 * what the upkeep loop, the fleet and the gateways tell; it decides nothing.
 *
 *   arrival ─detect─▶ control knows ─decide─▶ ordered ─start─▶ the process speaks ─load─▶ ─warm─▶ ready ─answer─▶ answered
 *
 * Invariant: the stages add up to the total, which the gateway has measured by itself.
 */
import { publish, type ColdStartStages } from '../telemetry/events.ts';
import type { VersionObservation } from '../gateway/routing-table.ts';
import type { Replica } from './replica.ts';

/** Milliseconds; `at` is the Unix time of the answer. */
export interface ColdStart extends ColdStartStages {
  readonly at: number;
  readonly totalMs: number;
}

export interface ColdStarts {
  /** A request waits and no replica is there or on its way; `waitedMs` is for how long it has. Times are monotonic. */
  woken(deployment: string, waitedMs: number, at: number): void;
  ready(replica: Replica): void;
  /** What the gateways say of the last first answer; returns the whole when it is the one that was followed. */
  answered(deployment: string, woken: NonNullable<VersionObservation['woken']>): ColdStart | undefined;
}

interface Wake {
  readonly detectMs: number;
  readonly detectedAt: number;
  /** Unix milliseconds: an answer from before belongs to an earlier wake. */
  readonly since: number;
  replica?: Replica;
}

export function followColdStarts(wall: () => number): ColdStarts {
  const wakes = new Map<string, Wake>();
  return {
    woken(deployment, waitedMs, at) {
      // Told again at each look while the start is held back: it is one wake from its first request on.
      const before = wakes.get(deployment);
      if (before !== undefined && before.detectedAt >= at - waitedMs) return;
      wakes.set(deployment, { detectMs: waitedMs, detectedAt: at, since: wall() });
    },
    ready(replica) {
      const wake = wakes.get(replica.deployment);
      if (wake !== undefined) wake.replica ??= replica;
    },
    answered(deployment, { at, totalMs }) {
      const wake = wakes.get(deployment);
      if (wake?.replica === undefined || at < wake.since) return undefined;
      wakes.delete(deployment);
      const { detectMs, detectedAt } = wake;
      const { orderedAt, readyAfterMs, facts, version, id } = wake.replica;
      // An adopted one was ordered by a control that is gone: nobody knows its stages.
      if (readyAfterMs === undefined) return undefined;
      const { loadMs = 0, warmMs = 0 } = facts?.stages ?? {};
      const decideMs = Math.max(0, orderedAt - detectedAt);
      const startMs = Math.max(0, readyAfterMs - loadMs - warmMs);
      const before = detectMs + decideMs + startMs + loadMs + warmMs;
      const answerMs = Math.max(0, totalMs - before);
      const stages = { detectMs, decideMs, startMs, loadMs, warmMs, answerMs };
      publish('flyball:cold-start', { deployment, version, replica: id, totalMs, ...stages });
      return { at, ...stages, totalMs };
    },
  };
}
