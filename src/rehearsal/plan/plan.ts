/**
 * From what is asked, whom it is about and the traffic to a scenario and the policies that go through it. The same for
 * the command line and the control API, so that what one rehearses the other would have, too. Pure.
 */
import { constraintsOf, policyOf } from '../../control/governor/settings.ts';
import { orderToServingMs } from '../../core/scaling/observation.ts';
import { milliseconds } from '../../units.ts';
import { learnedLag, learnedService } from '../learned.ts';
import { initialReplicas, type Scenario } from '../scenario.ts';
import type { Distribution } from '../world/distribution.ts';
import { replicaRate, serviceTables, type ServiceModel } from '../world/service.ts';
import { AskRefused, type Ask, type AskedOf, type Shown, type Wording } from './ask.ts';
import type { AskedTraffic } from './asked-traffic.ts';
import { entrantsOf, toleratedDefault, type Entrant } from './entrants.ts';
import { readLag } from './lag.ts';
import { notesOf, settingText } from './words.ts';

export interface RehearsalPlan {
  readonly scenario: Scenario;
  readonly entrants: readonly Entrant[];
  /** Tolerated share of requests that are missed. */
  readonly tolerated: number;
  readonly pricePerHour: number;
  /** The setting in a line, for people. */
  readonly text: string;
  /** What was taken to be so, and what is not rehearsed although the specification says it. */
  readonly notes: readonly string[];
}

/** Where nothing is said of a deployment. */
const serviceMsDefault = 100;
const latencyTimes = 5;
const deadlineTimes = 10;
const maxDefault = 1000;
const queueLengthDefault = 1024;

/** Throws AskRefused. */
export function planRehearsal(ask: Ask, of: AskedOf, asked: AskedTraffic, wording: Wording): RehearsalPlan {
  const { option } = wording;
  const { traffic, past } = asked;
  const { specification } = of;
  const shown = learnedOf(of.shown);
  const service = serviceOf(ask, of, shown.service);
  const tables = serviceTables(service);
  const oneMs = tables.ms[1] as number;
  const latencyMs = ask.latencyMs ?? specification?.slo.p99Ms ?? shown.latencyMs ?? latencyTimes * oneMs;
  const deadlineMs = specification?.deadline.defaultMs ?? deadlineTimes * oneMs;
  if (deadlineMs < oneMs)
    throw new AskRefused(`a request takes ${milliseconds(oneMs)} and is given up after ${milliseconds(deadlineMs)}`);
  const constraints = specification === undefined ? undefined : constraintsOf(specification);
  const min = ask.min ?? constraints?.min ?? 1;
  const max = ask.max ?? constraints?.max ?? maxDefault;
  if (min > max) throw new AskRefused(`${option('min')} ${min} is above ${option('max')} ${max}`);
  const scenario: Scenario = {
    traffic,
    ...(past !== undefined && { past }),
    service,
    min,
    max,
    latencyMs,
    deadlineMs,
    lag: ask.lag ?? shown.lag ?? readLag('process', wording),
    // As the governor tells it to the policy, by stage.
    ...(ask.lag === undefined && of.shown?.lag !== undefined && { stages: of.shown.lag }),
    ...(ask.lag === undefined && of.shown !== undefined && of.shown.model.starts.length > 0
      ? { starts: of.shown.model }
      : {}),
    initial: initialReplicas(traffic, replicaRate(tables), min, max),
    queueLengthMax: specification?.queue.lengthMax ?? queueLengthDefault,
    cpuShare: 1,
    faults: ask.faults ?? {},
    seed: ask.seed,
    ...(constraints !== undefined && { constraints }),
  };
  const tolerated = toleratedOf(ask, of);
  return {
    scenario,
    entrants: entrantsOf(
      ask.policies,
      specification === undefined ? undefined : policyOf(specification),
      tolerated,
      wording,
    ),
    tolerated,
    pricePerHour: ask.pricePerHour ?? constraints?.cost?.pricePerHour ?? 1,
    text: settingText(scenario, tolerated),
    notes: [...asked.notes, ...notesOf(of, ask, serviceMsDefault, wording)],
  };
}

/** What is asked for, else what the deployment's own policy is told, else the default. */
export function toleratedOf({ tolerated }: Ask, { specification }: AskedOf): number {
  const own = specification === undefined ? undefined : policyOf(specification).parameters['tolerated'];
  return tolerated ?? (typeof own === 'number' ? own : toleratedDefault);
}

interface Learned {
  readonly service?: ServiceModel | undefined;
  readonly lag?: Distribution | undefined;
  readonly latencyMs?: number | undefined;
}

function learnedOf(shown: Shown | undefined): Learned {
  if (shown === undefined) return {};
  const { model, lag: stages, latencyMs } = shown;
  const expected = stages === undefined ? undefined : orderToServingMs(stages);
  const lag = learnedLag(model) ?? (expected === undefined ? undefined : ({ kind: 'fixed', mean: expected } as const));
  return { service: learnedService(model), lag, latencyMs };
}

function serviceOf(ask: Ask, { specification }: AskedOf, learned: ServiceModel | undefined): ServiceModel {
  const { curve = [{ rows: 1, ms: serviceMsDefault }], spread = 0 } = ask;
  const scatter: Distribution = spread === 0 ? { kind: 'fixed', mean: 1 } : { kind: 'lognormal', mean: 1, cv: spread };
  if (ask.curve === undefined && learned !== undefined)
    return ask.spread === undefined ? learned : { ...learned, spread: scatter };
  const sizeMax = curve.length === 1 ? 1 : (specification?.batching?.sizeMax ?? 'auto');
  return { curve, spread: scatter, sizeMax };
}
