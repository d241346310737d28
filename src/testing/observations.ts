/** Observations for tests: a quiet fleet at its target, with what the test says instead. */
import { absent, fresh } from '../core/scaling/signals.ts';
import type { Fleet, Observation, Signals } from '../core/scaling/observation.ts';

export interface Said {
  readonly fleet?: Partial<Fleet>;
  readonly signals?: Partial<Signals>;
}

export function observe(said: Omit<Partial<Observation>, 'fleet' | 'signals'> & Said = {}): Observation {
  const target = said.fleet?.target ?? 4;
  return {
    tier: 'replicas',
    replicasPerUnit: 1,
    spanMs: 1000,
    wallMs: Date.UTC(2026, 0, 5),
    min: 1,
    max: 100,
    lag: { detect: 1000, decide: 0, start: 300, load: 100, warm: 100, serve: 0 },
    objective: { latencyMs: 500, deadlineMs: 1000 },
    external: {},
    capacity: [],
    ...said,
    fleet: { target, ready: target, starting: 0, ...said.fleet },
    signals: {
      arrivals: fresh(0),
      inFlight: fresh(0),
      queued: fresh(0),
      queueWaitMs: absent,
      serviceMs: fresh(100),
      utilisation: fresh(0),
      cpu: fresh(0),
      errors: fresh(0),
      late: fresh(0),
      p50Ms: absent,
      p99Ms: absent,
      ...said.signals,
    },
  };
}
