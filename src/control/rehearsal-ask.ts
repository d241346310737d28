/**
 * A request for a rehearsal as the thread takes it, with what the platform knows of the deployment and has on record of
 * its load. What cannot be rehearsed is refused here, as far as that can be told without computing.
 */
import type { RehearsalRunRequest } from '../api/rehearsal-schemas.ts';
import type { WhyView } from '../api/schemas.ts';
import type { Clock } from '../clock.ts';
import { FlyballError } from '../errors.ts';
import { readFaults, type FaultSettings } from '../rehearsal/faults.ts';
import { AskRefused, inBody, type Ask, type AskedOf } from '../rehearsal/plan/ask.ts';
import { entrantsOf } from '../rehearsal/plan/entrants.ts';
import { readLag } from '../rehearsal/plan/lag.ts';
import { toleratedOf } from '../rehearsal/plan/plan.ts';
import { lastPrefix, recordedStretch } from '../rehearsal/plan/recording.ts';
import { readShape } from '../rehearsal/plan/shape.ts';
import type { RunInput, RunTrace } from '../rehearsal/run/run.ts';
import { weightOf } from '../rehearsal/run/weight.ts';
import type { ControlService } from './control-service.ts';
import type { Deployment } from './deployments.ts';
import { policyOf } from './governor/settings.ts';
import type { DeploymentLatency } from './latency-models.ts';

export interface AskParts {
  readonly clock: Clock;
  readonly series: Pick<ControlService, 'series'>;
  latencyOf(deployment: Deployment): DeploymentLatency;
  why(name: string): Promise<WhyView>;
  /** Digest of the decision code. */
  readonly build: string;
}

/** Requests times runs: some minutes of one core that is otherwise idle. */
export const weightMax = 300_000_000;

/** INVALID_REQUEST, REHEARSAL_TOO_LARGE. */
export async function rehearsalInput(
  deployment: Deployment,
  request: RehearsalRunRequest,
  parts: AskParts,
): Promise<RunInput> {
  try {
    return await inputOf(deployment, request, parts);
  } catch (error) {
    if (!(error instanceof AskRefused)) throw error;
    const { message, hint } = error;
    throw new FlyballError('INVALID_REQUEST', hint === undefined ? message : `${message}; ${hint}`, { cause: error });
  }
}

async function inputOf(deployment: Deployment, request: RehearsalRunRequest, parts: AskParts): Promise<RunInput> {
  const { name, record } = deployment;
  const { mean, by, seed, tolerated } = request;
  const { inputs } = await parts.why(name);
  const of: AskedOf = {
    specification: record.specification,
    shown: {
      deployment: name,
      model: parts.latencyOf(deployment),
      lag: inputs?.lag,
      latencyMs: inputs?.objective.latencyMs,
    },
  };
  const ask: Ask = {
    seed,
    tolerated,
    lag: request.lag === undefined ? undefined : readLag(request.lag, inBody),
    faults: faultsOf(request),
    policies: request.policies?.map(({ name: policy, parameters }) => ({ name: policy, given: parameters })),
  };
  const trace = await traceOf(name, request, parts);
  const entrants = entrantsOf(ask.policies, policyOf(record.specification), toleratedOf(ask, of), inBody);
  const weight = weightOf(trace, mean, entrants);
  if (weight > weightMax)
    throw new FlyballError(
      'REHEARSAL_TOO_LARGE',
      `expected at most ${millions(weightMax)} requests in all runs together, got about ${millions(weight)}: ${entrants.length} policies through ${request.trace}`,
    );
  return { deployment: name, ask, of, trace, mean, by, build: parts.build };
}

const millions = (count: number): string => `${Math.ceil(count / 1_000_000)} million`;

function faultsOf({ faults }: RehearsalRunRequest): FaultSettings {
  const read = readFaults(faults.map(({ name, parameters }) => ({ name, given: parameters })));
  if (read.kind === 'refused') throw new AskRefused(`faults: ${read.problems.join('; ')}`);
  return read.faults;
}

async function traceOf(name: string, request: RehearsalRunRequest, { series, clock }: AskParts): Promise<RunTrace> {
  const { trace, durationSeconds: seconds, gaps } = request;
  if (!trace.startsWith(lastPrefix)) {
    readShape(trace, seconds);
    return { kind: 'shape', trace, seconds };
  }
  if (seconds !== undefined)
    throw new AskRefused('durationSeconds is of a shape; a recorded trace lasts as long as it does, last:2h two hours');
  const stretch = recordedStretch(trace, clock.wall(), inBody);
  const { from, to, stepMs } = stretch;
  const found = await series.series(name, { from, to, stepMs, columns: ['arrivals'] });
  const recorded = {
    from: found.from,
    recordedSince: found.recordedSince,
    recordedMs: found.recordedMs,
    arrivals: found.columns['arrivals'] ?? [],
  };
  if (found.recordedMs.slice(stretch.pastSlots).every((ms) => ms === 0))
    throw new AskRefused(`trace ${trace}: nothing is recorded of ${name} in that time`, 'a shape needs no record');
  return { kind: 'recorded', trace, stretch, found: recorded, gaps };
}
