/** What `flyball load`'s options ask for, checked: the loop, its shape, how long, over which protocol. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { parseTrace, type Shape } from '../load/shapes.ts';
import { parseCount, parseDurationMs } from './arguments.ts';
import { stringOption, type OptionValues } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import type { Terminal } from './terminal.ts';
import { rate as rateText, seconds } from '../units.ts';

export type Loop =
  | {
      readonly kind: 'open';
      readonly shape: Shape;
      readonly arrivals: 'poisson' | 'constant';
      readonly seed: number;
      /** No rate was given: the shape is in multiples of one that has yet to be found ({@link atRate}). */
      readonly relative?: true;
    }
  | { readonly kind: 'closed'; readonly callers: number };

export interface LoadPlan {
  readonly loop: Loop;
  readonly durationMs: number;
  readonly protocol: 'rest' | 'grpc';
  readonly encoding: 'binary' | 'json';
  readonly connections: number;
  readonly batch: number;
  readonly seed: number;
  readonly file: string | undefined;
  /** One line for people. */
  readonly text: string;
  /** The same for programs; a trace's points are left out. */
  readonly summary: unknown;
}

const durationMsMax = 24 * 3_600_000;
const connectionsMax = 4096;
const openConnections = 256;
const callersDefault = 1;
const rateMax = 1_000_000;
/** Highest rate of a shape ÷ its lowest. A flash crowd is ten times what came before, as in a rehearsal. */
const peakDefault = 3;
const flashPeakDefault = 10;

export async function readLoadPlan(values: OptionValues, terminal: Terminal): Promise<LoadPlan> {
  const durationMs = parseDurationMs(stringOption(values, 'duration') ?? '10s', '--duration');
  if (durationMs <= 0 || durationMs > durationMsMax)
    throw new UsageError(`--duration expects more than 0 and at most 24h, got ${stringOption(values, 'duration')}`);
  const loop = await readLoop(values, terminal, durationMs);
  const protocol = stringOption(values, 'protocol') === 'grpc' ? 'grpc' : 'rest';
  const wanted = stringOption(values, 'connections');
  const connections =
    wanted === undefined
      ? loop.kind === 'closed'
        ? loop.callers
        : openConnections
      : parseCount(wanted, '--connections', 1, connectionsMax);
  const seed = parseCount(stringOption(values, 'seed') ?? '1', '--seed', 0, 2 ** 31 - 1);
  return described({
    loop,
    durationMs,
    protocol,
    encoding: stringOption(values, 'encoding') === 'json' ? 'json' : 'binary',
    connections,
    batch: parseCount(stringOption(values, 'batch') ?? '1', '--batch', 1, 1024),
    seed,
    file: stringOption(values, 'file'),
  });
}

function described(plan: Omit<LoadPlan, 'text' | 'summary'>): LoadPlan {
  const { loop, durationMs, protocol, connections } = plan;
  return {
    ...plan,
    text:
      `${loopText(loop)} for ${seconds(durationMs)}, ${protocol}` +
      (loop.kind === 'closed' && connections === loop.callers ? '' : `, at most ${connections} connections`),
    summary: { ...loopSummary(loop), durationMs, protocol, connections },
  };
}

export const isRelative = ({ loop }: LoadPlan): boolean => loop.kind === 'open' && loop.relative === true;

/** The plan with a rate in requests a second, where none was given. */
export function atRate(plan: LoadPlan, perSecond: number): LoadPlan {
  const { loop } = plan;
  if (loop.kind !== 'open' || loop.relative !== true || loop.shape.kind === 'trace') return plan;
  const { relative: _relative, ...rest } = loop;
  const shape =
    loop.shape.kind === 'constant'
      ? { ...loop.shape, rate: loop.shape.rate * perSecond }
      : { ...loop.shape, rate: loop.shape.rate * perSecond, peak: loop.shape.peak * perSecond };
  return described({ ...plan, loop: { ...rest, shape } });
}

async function readLoop(values: OptionValues, terminal: Terminal, durationMs: number): Promise<Loop> {
  const callers = stringOption(values, 'callers');
  const rate = stringOption(values, 'rate');
  const trace = stringOption(values, 'trace');
  const shape = stringOption(values, 'shape') ?? (trace === undefined ? 'constant' : 'trace');
  if (callers !== undefined && (rate !== undefined || shape !== 'constant'))
    throw new UsageError('--callers is a closed loop, --rate and --shape an open one', 'give one or the other');
  if (rate === undefined && shape === 'constant') {
    return { kind: 'closed', callers: parseCount(callers ?? String(callersDefault), '--callers', 1, connectionsMax) };
  }
  const arrivals = stringOption(values, 'arrivals') === 'constant' ? 'constant' : 'poisson';
  const seed = parseCount(stringOption(values, 'seed') ?? '1', '--seed', 0, 2 ** 31 - 1);
  if (shape === 'trace') {
    if (trace === undefined) throw new UsageError('--shape trace expects --trace FILE');
    return { kind: 'open', arrivals, seed, shape: { kind: 'trace', points: await readTrace(trace, terminal) } };
  }
  const peakText = stringOption(values, 'peak');
  if (rate === undefined && peakText !== undefined) throw new UsageError('--peak N/s expects --rate N/s beside it');
  const low = rate === undefined ? 1 : parseRate(rate, '--rate');
  const times = shape === 'flash' ? flashPeakDefault : peakDefault;
  const peak = peakText === undefined ? low * times : parseRate(peakText, '--peak');
  const period = stringOption(values, 'period');
  const periodMs = period === undefined ? durationMs : parseDurationMs(period, '--period');
  const relative = rate === undefined ? { relative: true as const } : {};
  return { kind: 'open', arrivals, seed, shape: shapeOf(shape, low, peak, durationMs, periodMs), ...relative };
}

function shapeOf(kind: string, rate: number, peak: number, durationMs: number, periodMs: number): Shape {
  if (kind === 'sine') return { kind, rate, peak, periodMs };
  if (kind === 'ramp' || kind === 'step' || kind === 'flash') return { kind, rate, peak, durationMs };
  return { kind: 'constant', rate };
}

async function readTrace(file: string, terminal: Terminal): Promise<ReturnType<typeof parseTrace>> {
  try {
    return parseTrace(await readFile(resolve(terminal.cwd, file), 'utf8'));
  } catch (error) {
    throw new UsageError(`--trace ${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** `200/s`, `12000/m`, `200`. */
export function parseRate(text: string, what: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|min|h))?$/.exec(text);
  const perSecond =
    match === null ? Number.NaN : Number(match[1]) / { s: 1, m: 60, min: 60, h: 3600 }[match[2] ?? 's']!;
  if (!(perSecond > 0 && perSecond <= rateMax))
    throw new UsageError(`${what} expects a rate such as 200/s, at most ${rateMax}/s, got ${text}`);
  return perSecond;
}

function loopText(loop: Loop): string {
  if (loop.kind === 'closed') return `closed loop, ${loop.callers} caller${loop.callers === 1 ? '' : 's'}`;
  const { shape } = loop;
  if (shape.kind === 'trace') return `open loop, a trace of ${shape.points.length} points, ${loop.arrivals} arrivals`;
  const peak = shape.kind === 'constant' ? '' : ` to ${rateText(shape.peak)}/s`;
  return `open loop, ${shape.kind} ${rateText(shape.rate)}/s${peak}, ${loop.arrivals} arrivals`;
}

function loopSummary(loop: Loop): object {
  if (loop.kind === 'closed') return loop;
  const shape = loop.shape.kind === 'trace' ? { kind: 'trace', points: loop.shape.points.length } : loop.shape;
  return { ...loop, shape };
}
