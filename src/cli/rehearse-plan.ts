/** What `flyball rehearse`'s options ask for, checked, and the plan that is made of it. */
import { readFaults, type FaultSettings } from '../rehearsal/faults.ts';
import { AskRefused, type Ask, type AskedOf, type Wording } from '../rehearsal/plan/ask.ts';
import { readLag } from '../rehearsal/plan/lag.ts';
import { planRehearsal, type RehearsalPlan } from '../rehearsal/plan/plan.ts';
import type { ServiceModel } from '../rehearsal/world/service.ts';
import { parseCount, parseDurationMs } from './arguments.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { parseNamedList } from './named-lists.ts';
import { readSubject, type Subject } from './rehearse-subject.ts';
import { readTraffic } from './rehearse-traffic.ts';

export interface RehearsePlan extends RehearsalPlan {
  readonly ask: Ask;
  readonly subject: Subject;
}

type Option = (name: string) => string | undefined;

const wording: Wording = { option: (name) => `--${name}`, orSay: (name) => `, or say --${name}` };

export async function readRehearsePlan(invocation: Invocation): Promise<RehearsePlan> {
  const { values, terminal, signal } = invocation;
  try {
    const ask = readAsk((name) => stringOption(values, name));
    const subject = await readSubject(invocation);
    const { specification, running } = subject;
    const traffic = await readTraffic({ values, terminal, recorded: running, seed: ask.seed, wording }, signal);
    const of: AskedOf = {
      specification,
      shown: running && {
        deployment: running.deployment,
        model: running.model,
        lag: running.why.inputs?.lag,
        latencyMs: running.why.inputs?.objective.latencyMs,
      },
    };
    return { ...planRehearsal(ask, of, traffic, wording), ask, subject };
  } catch (error) {
    if (error instanceof AskRefused) throw new UsageError(error.message, error.hint);
    throw error;
  }
}

function readAsk(option: Option): Ask {
  const lag = option('lag');
  const policies = option('policies');
  return {
    seed: parseCount(option('seed') ?? '1', '--seed', 0, 2 ** 31 - 1),
    curve: readCurve(option('service')),
    spread: readSpread(option('spread')),
    latencyMs: readLatency(option('slo')),
    min: readCount(option('min'), '--min', 0),
    max: readCount(option('max'), '--max', 1),
    lag: lag === undefined ? undefined : readLag(lag, wording),
    faults: readFaultList(option('faults')),
    policies: policies === undefined ? undefined : parseNamedList(policies, '--policies'),
    tolerated: readShare(option('tolerate'), '--tolerate'),
    pricePerHour: readPrice(option('price')),
  };
}

function readSpread(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const cv = Number(text);
  if (!(cv >= 0 && cv <= 10)) throw new UsageError(`--spread expects a number from 0 to 10, got ${text}`);
  return cv;
}

/** `100ms`, or a cost curve `1=100ms,4=220ms`. */
function readCurve(text: string | undefined): ServiceModel['curve'] | undefined {
  if (text === undefined) return undefined;
  const curve = text.split(',').map((part) => {
    const [, rows = '1', time = ''] = /^(?:(\d+)=)?(.*)$/.exec(part.trim()) ?? [];
    return { rows: parseCount(rows, '--service', 1, 1024), ms: parseDurationMs(time, '--service') };
  });
  const [first] = curve;
  const ascends = curve.every(({ rows, ms }, index) => ms > 0 && (index === 0 || rows > (curve[index - 1]?.rows ?? 0)));
  if (first?.rows !== 1 || !ascends)
    throw new UsageError(`--service expects the time of one request, or of ascending rows from 1 on, got ${text}`);
  return curve;
}

function readLatency(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const ms = parseDurationMs(text.replace(/^p99=/, ''), '--slo');
  if (ms <= 0) throw new UsageError(`--slo expects a time above 0, got ${text}`);
  return ms;
}

function readCount(text: string | undefined, what: string, least: number): number | undefined {
  return text === undefined ? undefined : parseCount(text, what, least, 100_000);
}

function readShare(text: string | undefined, what: string): number | undefined {
  if (text === undefined) return undefined;
  const match = /^(\d+(?:\.\d+)?)\s?(%)?$/.exec(text);
  const share = match === null ? Number.NaN : Number(match[1]) / (match[2] === '%' ? 100 : 1);
  if (!(share >= 0 && share < 1)) throw new UsageError(`${what} expects a share such as 1% or 0.01, got ${text}`);
  return share;
}

function readPrice(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d+(\.\d+)?$/.test(text)) throw new UsageError(`--price expects a number such as 0.05, got ${text}`);
  return Number(text);
}

function readFaultList(text: string | undefined): FaultSettings | undefined {
  if (text === undefined) return undefined;
  const read = readFaults(parseNamedList(text, '--faults'));
  if (read.kind === 'refused') throw new UsageError(`--faults: ${read.problems.join('; ')}`);
  return read.faults;
}
