/** What `flyball rehearse`'s options ask for, checked: the traffic, the deployment and its tier, policies and faults. */
import { resolve } from 'node:path';
import { readFile, stat } from 'node:fs/promises';
import { makePolicy, policies } from '../core/scaling/policies/list.ts';
import { nearest } from '../config/nearest.ts';
import type { DeploymentSpecification } from '../config/specification.ts';
import { cheapestFixed } from '../rehearsal/cheapest-fixed.ts';
import { readFaults, type FaultSettings } from '../rehearsal/faults.ts';
import type { Contender } from '../rehearsal/report/compare.ts';
import { duration } from '../rehearsal/report/picture.ts';
import { initialReplicas, lagSeconds, type Scenario } from '../rehearsal/scenario.ts';
import { readTrace, TraceError, type Gaps } from '../rehearsal/traffic/read-trace.ts';
import { shapedTraffic, shapes } from '../rehearsal/traffic/shapes.ts';
import { durationMs, meanRate, scaledTo, type Traffic } from '../rehearsal/traffic/traffic.ts';
import { meanOf, type Distribution } from '../rehearsal/world/distribution.ts';
import { replicaRate, serviceTables, type ServiceModel } from '../rehearsal/world/service.ts';
import { parseCount, parseDurationMs } from './arguments.ts';
import { stringOption, type OptionValues } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { parseRate } from './load-plan.ts';
import { parseNamedList, type Named } from './named-lists.ts';
import { loadFrom } from './prepare.ts';
import type { Terminal } from './terminal.ts';
import { milliseconds, rate, seconds } from './units.ts';

export interface RehearsePlan {
  readonly scenario: Scenario;
  readonly contenders: readonly Contender[];
  /** Tolerated share of requests that are missed. */
  readonly tolerated: number;
  readonly pricePerHour: number;
  /** The setting in a line, for people. */
  readonly text: string;
  /** What is not rehearsed although the specification says it. */
  readonly notes: readonly string[];
}

const traceBytesMax = 512 * 1024 * 1024;
/** Where nothing is said of a deployment. */
const serviceMsDefault = 100;
const latencyTimes = 5;
const deadlineTimes = 10;
const maxDefault = 1000;
const queueLengthDefault = 1024;
const shapeRateDefault = 150;
const toleratedDefault = 0.01;
/** A synthetic course lasts at most so long. */
const shapeMsMax = 100 * 86_400_000;

export async function readRehearsePlan(values: OptionValues, terminal: Terminal): Promise<RehearsePlan> {
  const option = (name: string): string | undefined => stringOption(values, name);
  const traffic = await readTraffic(values, terminal);
  const specified = await readDeployment(values, terminal);
  const { deployment } = specified;
  const service = readService(option('service'), option('spread'), deployment);
  const tables = serviceTables(service);
  const oneMs = tables.ms[1] as number;
  const latencyMs = readLatency(option('slo')) ?? deployment?.slo.p99Ms ?? latencyTimes * oneMs;
  const deadlineMs = deployment?.deadline.defaultMs ?? deadlineTimes * oneMs;
  if (deadlineMs < oneMs)
    throw new UsageError(`a request takes ${milliseconds(oneMs)} and is given up after ${milliseconds(deadlineMs)}`);
  const min = readCount(option('min'), '--min', 0) ?? deployment?.replicas.min ?? 1;
  const max = readCount(option('max'), '--max', 1) ?? deployment?.replicas.max ?? maxDefault;
  if (min > max) throw new UsageError(`--min ${min} is above --max ${max}`);
  const scenario: Scenario = {
    traffic,
    service,
    min,
    max,
    latencyMs,
    deadlineMs,
    lag: readLag(option('lag') ?? 'process'),
    initial: initialReplicas(traffic, replicaRate(tables), min, max),
    queueLengthMax: deployment?.queue.lengthMax ?? queueLengthDefault,
    cpuShare: 1,
    faults: readFaultList(option('faults')),
    seed: parseCount(option('seed') ?? '1', '--seed', 0, 2 ** 31 - 1),
  };
  const tolerated = readShare(option('tolerate') ?? String(toleratedDefault), '--tolerate');
  const contenders = readPolicies(option('policies'), scenario, tolerated);
  const price = option('price') ?? '1';
  if (!/^\d+(\.\d+)?$/.test(price)) throw new UsageError(`--price expects a number such as 0.05, got ${price}`);
  return {
    scenario,
    contenders,
    tolerated,
    pricePerHour: Number(price),
    text: settingText(scenario, tolerated),
    notes: specified.notes,
  };
}

function settingText({ traffic, latencyMs, deadlineMs, lag, min, max, service, faults }: Scenario, tolerated: number) {
  const [one] = service.curve;
  const names = Object.keys(faults);
  return [
    `${traffic.name} at ${rate(meanRate(traffic))} requests/s for ${duration(durationMs(traffic) / 1000)}`,
    `${milliseconds(one?.ms ?? 0)} a request${service.curve.length > 1 ? ' alone, batched' : ''}`,
    `objective ${milliseconds(latencyMs)} for all but ${tolerated * 100} %, deadline ${milliseconds(deadlineMs)}`,
    `${min} to ${max} replicas, each ready after ${seconds(meanOf(lag))}`,
    ...(names.length > 0 ? [`faults: ${names.join(', ')}`] : []),
  ].join('; ');
}

async function readTraffic(values: OptionValues, terminal: Terminal): Promise<Traffic> {
  const trace = stringOption(values, 'trace');
  if (trace === undefined)
    throw new UsageError('rehearse expects --trace', 'for instance: flyball rehearse --trace shape:flash');
  const mean = stringOption(values, 'mean');
  const perSecond = mean === undefined ? undefined : parseRate(mean, '--mean');
  if (trace.startsWith('last:'))
    throw new UsageError(
      `--trace ${trace}: this platform has not recorded its own traffic yet`,
      'name a file of recorded traffic, or a shape such as shape:flash',
    );
  const traffic = trace.startsWith('shape:')
    ? readShape(trace.slice('shape:'.length), stringOption(values, 'duration'))
    : await readFileTrace(trace, values, terminal);
  if (meanRate(traffic) === 0) throw new UsageError(`--trace ${trace}: nobody comes in it`);
  const wanted = perSecond ?? (trace.startsWith('shape:') ? shapeRateDefault : undefined);
  return wanted === undefined ? traffic : scaledTo(traffic, wanted);
}

function readShape(name: string, duration: string | undefined): Traffic {
  if (!Object.hasOwn(shapes, name)) {
    const [near] = nearest(name, Object.keys(shapes));
    throw new UsageError(
      `there is no shape ${name}, expected one of ${Object.keys(shapes).join(', ')}`,
      near === undefined ? undefined : `did you mean shape:${near}?`,
    );
  }
  if (duration === undefined) return shapedTraffic(name);
  const ms = parseDurationMs(duration, '--duration');
  if (ms < 1000 || ms > shapeMsMax) throw new UsageError(`--duration expects 1s to 2400h, got ${duration}`);
  return shapedTraffic(name, Math.round(ms / 1000));
}

async function readFileTrace(trace: string, values: OptionValues, terminal: Terminal): Promise<Traffic> {
  if (stringOption(values, 'duration') !== undefined)
    throw new UsageError('--duration is of a shape; a recorded trace lasts as long as it does');
  const [file = '', fromName] = trace.split('#');
  const path = resolve(terminal.cwd, file);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new UsageError(
      `there is no trace ${file} in ${terminal.cwd}`,
      `name a file, or a shape: ${Object.keys(shapes).join(', ')}`,
    );
  if (!found.isFile()) throw new UsageError(`--trace ${file} is no file`);
  if (found.size > traceBytesMax)
    throw new UsageError(`--trace ${file} has ${found.size} bytes, expected at most ${traceBytesMax}`);
  const name = file.split('/').at(-1) ?? file;
  const gaps = (stringOption(values, 'gaps') ?? 'refuse') as Gaps;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    return readTrace(name, text, { column: stringOption(values, 'column') ?? fromName, gaps });
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`${trace}: ${error.message}`, traceHint(error.message));
    if (error instanceof TypeError) throw new UsageError(`${trace} is no text`);
    throw error;
  }
}

function traceHint(message: string): string | undefined {
  if (message.includes('telemetry')) return 'say --gaps telemetry or --gaps silence';
  if (message.includes('columns, name')) return 'say --column NAME, or FILE#NAME';
  return undefined;
}

interface Specified {
  readonly deployment: DeploymentSpecification | undefined;
  readonly notes: readonly string[];
}

async function readDeployment(values: OptionValues, terminal: Terminal): Promise<Specified> {
  const path = stringOption(values, 'spec');
  const wanted = stringOption(values, 'deployment');
  if (path === undefined) {
    if (wanted !== undefined) throw new UsageError('--deployment expects --spec, the specification that has it');
    return { deployment: undefined, notes: [] };
  }
  const { deployments } = (await loadFrom(path, terminal)).specification;
  const names = Object.keys(deployments);
  const name = wanted ?? (names.length === 1 ? names[0] : undefined);
  if (name === undefined)
    throw new UsageError(`${path} has ${names.length} deployments: ${names.join(', ')}`, 'say --deployment NAME');
  const deployment = Object.hasOwn(deployments, name) ? deployments[name] : undefined;
  if (deployment === undefined)
    throw new UsageError(`${path} has no deployment ${name}, expected one of ${names.join(', ')}`);
  const notes =
    (deployment.batching?.delayMs ?? 0) > 0 ? ['batching.delayMs is not rehearsed: nobody waits for company'] : [];
  return { deployment, notes };
}

/** `100ms`, or a cost curve `1=100ms,4=220ms`. */
function readService(
  text: string | undefined,
  spread: string | undefined,
  deployment: DeploymentSpecification | undefined,
): ServiceModel {
  const cv = spread === undefined ? 0 : Number(spread);
  if (!(cv >= 0 && cv <= 10)) throw new UsageError(`--spread expects a number from 0 to 10, got ${spread}`);
  const scatter: Distribution = cv === 0 ? { kind: 'fixed', mean: 1 } : { kind: 'lognormal', mean: 1, cv };
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

function readPolicies(text: string | undefined, scenario: Scenario, tolerated: number): readonly Contender[] {
  const named =
    text === undefined
      ? [...policies.filter(({ name }) => isGeneral(name)).map(({ name }) => ({ name, given: {} })), fixedInHindsight]
      : parseNamedList(text, '--policies');
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
