/** What `flyball rehearse`'s options ask for, checked: the traffic, the deployment and its tier, policies and faults. */
import { constraintsOf, policyOf } from '../control/governor/settings.ts';
import type { PolicyChoice } from '../control/governor/mind.ts';
import type { Constraints } from '../core/scaling/constrain.ts';
import { orderToServingMs, type Lag } from '../core/scaling/observation.ts';
import { makePolicy, policies } from '../core/scaling/policies/list.ts';
import { nearest } from '../config/nearest.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { cheapestFixed } from '../rehearsal/cheapest-fixed.ts';
import { readFaults, type FaultSettings } from '../rehearsal/faults.ts';
import { learnedLag, learnedService } from '../rehearsal/learned.ts';
import type { Contender } from '../rehearsal/report/compare.ts';
import { duration } from '../rehearsal/report/picture.ts';
import { initialReplicas, lagSeconds, type Scenario } from '../rehearsal/scenario.ts';
import { durationMs, meanRate } from '../rehearsal/traffic/traffic.ts';
import type { MeasuredStarts } from '../rehearsal/world/starts.ts';
import { meanOf, type Distribution } from '../rehearsal/world/distribution.ts';
import { replicaRate, serviceTables, type ServiceModel } from '../rehearsal/world/service.ts';
import { parseCount, parseDurationMs } from './arguments.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { parseNamedList, type Named } from './named-lists.ts';
import { readSubject, type Running, type Subject } from './rehearse-subject.ts';
import { readTraffic } from './rehearse-traffic.ts';
import { dateTime, milliseconds, rate, seconds } from './units.ts';

export interface RehearsePlan {
  readonly scenario: Scenario;
  readonly contenders: readonly Contender[];
  /** Tolerated share of requests that are missed. */
  readonly tolerated: number;
  readonly pricePerHour: number;
  /** The setting in a line, for people. */
  readonly text: string;
  /** What was taken to be so, and what is not rehearsed although the specification says it. */
  readonly notes: readonly string[];
  readonly subject: Subject;
}

/** Where nothing is said of a deployment. */
const serviceMsDefault = 100;
const latencyTimes = 5;
const deadlineTimes = 10;
const maxDefault = 1000;
const queueLengthDefault = 1024;
const toleratedDefault = 0.01;

export async function readRehearsePlan(invocation: Invocation): Promise<RehearsePlan> {
  const { values, terminal, signal } = invocation;
  const option = (name: string): string | undefined => stringOption(values, name);
  const seed = parseCount(option('seed') ?? '1', '--seed', 0, 2 ** 31 - 1);
  const subject = await readSubject(invocation);
  const { specification: deployment, running } = subject;
  const { traffic, past, notes } = await readTraffic(values, terminal, running, seed, signal);
  const shown = learnedOf(running);
  const service = readService(option('service'), option('spread'), deployment, shown.service);
  const tables = serviceTables(service);
  const oneMs = tables.ms[1] as number;
  const latencyMs = readLatency(option('slo')) ?? deployment?.slo.p99Ms ?? shown.latencyMs ?? latencyTimes * oneMs;
  const deadlineMs = deployment?.deadline.defaultMs ?? deadlineTimes * oneMs;
  if (deadlineMs < oneMs)
    throw new UsageError(`a request takes ${milliseconds(oneMs)} and is given up after ${milliseconds(deadlineMs)}`);
  const constraints = deployment === undefined ? undefined : constraintsOf(deployment);
  const min = readCount(option('min'), '--min', 0) ?? constraints?.min ?? 1;
  const max = readCount(option('max'), '--max', 1) ?? constraints?.max ?? maxDefault;
  if (min > max) throw new UsageError(`--min ${min} is above --max ${max}`);
  const lag = option('lag');
  const scenario: Scenario = {
    traffic,
    ...(past !== undefined && { past }),
    service,
    min,
    max,
    latencyMs,
    deadlineMs,
    lag: lag === undefined ? (shown.lag ?? readLag('process')) : readLag(lag),
    // As the governor tells it to the policy, by stage.
    ...(lag === undefined && shown.stages !== undefined && { stages: shown.stages }),
    ...(lag === undefined && shown.starts !== undefined && { starts: shown.starts }),
    initial: initialReplicas(traffic, replicaRate(tables), min, max),
    queueLengthMax: deployment?.queue.lengthMax ?? queueLengthDefault,
    cpuShare: 1,
    faults: readFaultList(option('faults')),
    seed,
    ...(constraints !== undefined && { constraints }),
  };
  const choice = deployment === undefined ? undefined : policyOf(deployment);
  const own = choice?.parameters['tolerated'];
  const toleratedOwn = typeof own === 'number' ? own : toleratedDefault;
  const tolerated = readShare(option('tolerate') ?? String(toleratedOwn), '--tolerate');
  const contenders = readPolicies(option('policies'), scenario, tolerated, choice);
  const price = option('price') ?? String(constraints?.cost?.pricePerHour ?? 1);
  if (!/^\d+(\.\d+)?$/.test(price)) throw new UsageError(`--price expects a number such as 0.05, got ${price}`);
  return {
    scenario,
    contenders,
    tolerated,
    pricePerHour: Number(price),
    text: settingText(scenario, tolerated),
    notes: [...notes, ...notesOf(subject, option)],
    subject,
  };
}

interface Shown {
  readonly service?: ServiceModel | undefined;
  readonly lag?: Distribution | undefined;
  readonly stages?: Lag | undefined;
  readonly starts?: MeasuredStarts | undefined;
  readonly latencyMs?: number | undefined;
}

function learnedOf(running: Running | undefined): Shown {
  if (running === undefined) return {};
  const { model, why } = running;
  const stages = why.inputs?.lag;
  const expected = stages === undefined ? undefined : orderToServingMs(stages);
  return {
    service: learnedService(model),
    lag: learnedLag(model) ?? (expected === undefined ? undefined : { kind: 'fixed', mean: expected }),
    ...(model.starts.length > 0 && { starts: model }),
    stages,
    latencyMs: why.inputs?.objective.latencyMs,
  };
}

function notesOf({ specification, running }: Subject, option: (name: string) => string | undefined): readonly string[] {
  const notes: string[] = [];
  if (running !== undefined) {
    const { deployment, model, why } = running;
    const since = `since ${dateTime(model.since)}`;
    if (option('service') === undefined)
      notes.push(
        learnedService(model) === undefined
          ? `${deployment} has answered too little to tell what a call takes: ${serviceMsDefault} ms are assumed, or say --service`
          : `what calls take is as ${model.calls} of them have shown ${since}`,
      );
    const unseen =
      why.inputs === undefined ? 'the lag of a process is assumed' : 'they take what the governor expects of them';
    if (option('lag') === undefined)
      notes.push(
        model.starts.length === 0
          ? `too little is known of the starts of ${deployment}: ${unseen}, or say --lag`
          : `what starts take is as the last ${model.starts.length} have shown`,
      );
  }
  const { forecaster } = specification?.scaling ?? {};
  if (forecaster !== undefined) notes.push(`forecasts of ${forecaster} are not rehearsed`);
  if (Object.keys(specification?.scaling.metrics ?? {}).length > 0)
    notes.push('scaling.metrics are not rehearsed: what other systems told is not on record');
  if ((specification?.batching?.delayMs ?? 0) > 0)
    notes.push('batching.delayMs is not rehearsed: nobody waits for company');
  return notes;
}

function settingText(scenario: Scenario, tolerated: number): string {
  const { traffic, latencyMs, deadlineMs, lag, min, max, service, faults, constraints } = scenario;
  const [one] = service.curve;
  const names = Object.keys(faults);
  return [
    `${traffic.name} at ${rate(meanRate(traffic))} requests/s for ${duration(durationMs(traffic) / 1000)}`,
    `${milliseconds(one?.ms ?? 0)} a request${service.curve.length > 1 ? ' alone, batched' : ''}`,
    `objective ${milliseconds(latencyMs)} for all but ${tolerated * 100} %, deadline ${milliseconds(deadlineMs)}`,
    `${min} to ${max} replicas, each ready after ${seconds(meanOf(lag))}`,
    ...(constraints === undefined ? [] : constraintsText(constraints)),
    ...(names.length > 0 ? [`faults: ${names.join(', ')}`] : []),
  ].join('; ');
}

/** What holds a target back besides its bounds. */
function constraintsText(set: Constraints): readonly string[] {
  const { upStabilizationSeconds: up, downStabilizationSeconds: down, cost, freezes } = set;
  return [
    ...(up > 0 ? [`more once it has been wished for ${up} s`] : []),
    ...(down > 0 ? [`fewer once it has been wished for ${down} s`] : []),
    ...rateText('up', set.upRate),
    ...rateText('down', set.downRate),
    ...(set.blastRadius < 1 ? [`at most ${set.blastRadius * 100} % go at once`] : []),
    ...(Number.isFinite(set.reversalsPerHour) ? [`at most ${set.reversalsPerHour} reversals an hour`] : []),
    ...(freezes.length > 0 ? [`${freezes.length} freezes`] : []),
    ...(cost === null ? [] : [`a budget of ${cost.amount} in ${duration(cost.periodSeconds)}`]),
  ];
}

function rateText(way: 'up' | 'down', rules: Constraints['upRate']): readonly string[] {
  if (rules === null) return [];
  const each = rules.policies.map(({ type, value, periodSeconds }) => {
    const many = type === 'Percent' ? `${value} %` : String(value);
    return `${many} in ${duration(periodSeconds)}`;
  });
  return [`${way} by ${each.join(' or ')} at most`];
}

/** `100ms`, or a cost curve `1=100ms,4=220ms`. */
function readService(
  text: string | undefined,
  spread: string | undefined,
  deployment: DeploymentSpecification | undefined,
  learned: ServiceModel | undefined,
): ServiceModel {
  const cv = spread === undefined ? 0 : Number(spread);
  if (!(cv >= 0 && cv <= 10)) throw new UsageError(`--spread expects a number from 0 to 10, got ${spread}`);
  const scatter: Distribution = cv === 0 ? { kind: 'fixed', mean: 1 } : { kind: 'lognormal', mean: 1, cv };
  if (text === undefined && learned !== undefined)
    return spread === undefined ? learned : { ...learned, spread: scatter };
  const parts = (text ?? `${serviceMsDefault}ms`).split(',');
  const curve = parts.map((part) => {
    const [, rows = '1', time = ''] = /^(?:(\d+)=)?(.*)$/.exec(part.trim()) ?? [];
    return { rows: parseCount(rows, '--service', 1, 1024), ms: parseDurationMs(time, '--service') };
  });
  const [first] = curve;
  const ascends = curve.every(({ rows, ms }, index) => ms > 0 && (index === 0 || rows > (curve[index - 1]?.rows ?? 0)));
  if (first?.rows !== 1 || !ascends)
    throw new UsageError(`--service expects the time of one request, or of ascending rows from 1 on, got ${text}`);
  const sizeMax = curve.length === 1 ? 1 : (deployment?.batching?.sizeMax ?? 'auto');
  return { curve, spread: scatter, sizeMax };
}

function readLatency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text.replace(/^p99=/, ''), '--slo');
  if (ms <= 0) throw new UsageError(`--slo expects a time above 0, got ${text}`);
  return ms;
}

/** `process`, `container`, `vm`, seconds, or a duration; `:cv` makes it lognormal. */
function readLag(text: string): Distribution {
  const [tier = '', spread] = text.split(':');
  const known = Object.hasOwn(lagSeconds, tier) ? lagSeconds[tier as keyof typeof lagSeconds] : undefined;
  const lag = known ?? (/^\d+(\.\d+)?$/.test(tier) ? Number(tier) : Number.NaN);
  const ms = Number.isNaN(lag) && /^[\d.]+(ms|s|m|h)$/.test(tier) ? parseDurationMs(tier, '--lag') : lag * 1000;
  if (!(ms >= 0 && ms <= 86_400_000))
    throw new UsageError(`--lag expects process, container, vm or seconds such as 10, got ${text}`);
  if (spread === undefined) return { kind: 'fixed', mean: ms };
  const cv = Number(spread);
  if (!(cv > 0 && cv <= 10)) throw new UsageError(`--lag ${text}: the spread is expected to be above 0 and at most 10`);
  return { kind: 'lognormal', mean: ms, cv };
}

function readCount(text: string | undefined, what: string, least: number): number | undefined {
  return text === undefined ? undefined : parseCount(text, what, least, 100_000);
}

function readShare(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)\s?(%)?$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share < 1)) throw new UsageError(`${what} expects a share such as 1% or 0.01, got ${text}`);
  return share;
}

function readFaultList(text: string | undefined): FaultSettings {
  if (text === undefined) return {};
  const read = readFaults(parseNamedList(text, '--faults'));
  if (read.kind === 'refused') throw new UsageError(`--faults: ${read.problems.join('; ')}`);
  return read.faults;
}

/** Every one that has a rule of its own for any load: a schedule and a fixed count have to be told theirs. */
const isGeneral = (name: string): boolean => name !== 'cron' && name !== 'fixed';

/** The deployment's own comes first, as it is set; so it is where it is named without parameters. */
function readPolicies(
  text: string | undefined,
  scenario: Scenario,
  tolerated: number,
  choice: PolicyChoice | undefined,
): readonly Contender[] {
  const own = choice === undefined ? [] : [{ name: choice.policy, given: choice.parameters }];
  const asOwn = ({ name, given }: Named): Named =>
    name === choice?.policy && Object.keys(given).length === 0 ? { name, given: choice.parameters } : { name, given };
  const general = policies.filter(({ name }) => isGeneral(name) && name !== choice?.policy);
  const named =
    text === undefined
      ? [...own, ...general.map(({ name }) => ({ name, given: {} })), fixedInHindsight]
      : parseNamedList(text, '--policies').map(asOwn);
  return named.map((one) => contender(one, scenario, tolerated));
}

const fixedInHindsight: Named = { name: 'fixed', given: {} };

function contender(asked: Named, scenario: Scenario, tolerated: number): Contender {
  const { name } = asked;
  const knobs = policies.find((one) => one.name === name)?.parameters ?? {};
  // What is tolerated is one thing, for the verdict and for a policy that asks for it.
  const isOwn = tolerated !== toleratedDefault && Object.hasOwn(knobs, 'tolerated');
  const given = isOwn ? { tolerated, ...asked.given } : asked.given;
  const made = makePolicy(name, given);
  if (made.kind === 'refused') {
    const isKnown = policies.some((one) => one.name === name);
    const [near] = isKnown
      ? []
      : nearest(
          name,
          policies.map((one) => one.name),
        );
    throw new UsageError(
      `--policies: ${isKnown ? `${name}: ` : ''}${made.problems.join('; ')}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  if (name !== 'fixed') return { name, parameters: given, policy: made.policy };
  const count = typeof given['count'] === 'number' ? given['count'] : cheapestFixed(scenario, tolerated);
  const standing = makePolicy('fixed', { count });
  const policy = standing.kind === 'made' ? standing.policy : made.policy;
  return { name, parameters: { count }, policy, initial: Math.min(scenario.max, Math.max(scenario.min, count)) };
}
