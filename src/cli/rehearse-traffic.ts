/** The traffic that `flyball rehearse` is asked for: a file, a shape, or what this platform has recorded itself. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { nearest } from '../config/nearest.ts';
import { duration } from '../rehearsal/report/picture.ts';
import { recordedTraffic, type Gap } from '../rehearsal/traffic/recorded.ts';
import { readTrace, TraceError, type Gaps } from '../rehearsal/traffic/read-trace.ts';
import { shapedTraffic, shapes } from '../rehearsal/traffic/shapes.ts';
import { durationMs, meanRate, scaledTo, type Traffic } from '../rehearsal/traffic/traffic.ts';
import { parseDurationMs } from './arguments.ts';
import type { ControlClient } from './control-client.ts';
import { stringOption, type OptionValues } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { parseRate } from './load-plan.ts';
import type { Terminal } from './terminal.ts';
import { clockTime, dateTime } from './units.ts';

/** Whose recording it is. */
export interface Recorded {
  readonly client: ControlClient;
  readonly deployment: string;
}

export interface AskedTraffic {
  readonly traffic: Traffic;
  /** Requests of each second before it, NaN where nothing was recorded. */
  readonly past?: Float64Array;
  /** What of it is not as it was asked for, or was taken to be. */
  readonly notes: readonly string[];
}

const traceBytesMax = 512 * 1024 * 1024;
const shapeRateDefault = 150;
/** A synthetic course lasts at most so long. */
const shapeMsMax = 100 * 86_400_000;
/** Of what was before, a policy learns from so much. */
const pastMs = 3_600_000;
/** Up to here it is asked for by the second. */
const secondsMsMax = 86_400_000;
const recordedMsMax = 60 * 86_400_000;
const traceDefault = 'last:24h';

export async function readTraffic(
  values: OptionValues,
  terminal: Terminal,
  recorded: Recorded | undefined,
  seed: number,
  signal: AbortSignal,
): Promise<AskedTraffic> {
  const trace = stringOption(values, 'trace') ?? (recorded === undefined ? undefined : traceDefault);
  if (trace === undefined)
    throw new UsageError('rehearse expects --trace', 'for instance: flyball rehearse --trace shape:flash');
  const mean = stringOption(values, 'mean');
  const perSecond = mean === undefined ? undefined : parseRate(mean, '--mean');
  const asked = await readNamed(trace, values, terminal, recorded, seed, signal);
  const { traffic } = asked;
  if (meanRate(traffic) === 0) throw new UsageError(`--trace ${trace}: nobody comes in it`);
  const wanted = perSecond ?? (trace.startsWith('shape:') ? shapeRateDefault : undefined);
  if (wanted === undefined) return asked;
  const factor = wanted / meanRate(traffic);
  const past = asked.past?.map((count) => count * factor);
  return { ...asked, traffic: scaledTo(traffic, wanted), ...(past !== undefined && { past }) };
}

async function readNamed(
  trace: string,
  values: OptionValues,
  terminal: Terminal,
  recorded: Recorded | undefined,
  seed: number,
  signal: AbortSignal,
): Promise<AskedTraffic> {
  const length = stringOption(values, 'duration');
  if (trace.startsWith('shape:')) return { traffic: readShape(trace.slice('shape:'.length), length), notes: [] };
  if (length !== undefined)
    throw new UsageError('--duration is of a shape; a recorded trace lasts as long as it does, last:2h two hours');
  if (!trace.startsWith('last:')) return { traffic: await readFileTrace(trace, values, terminal), notes: [] };
  if (recorded === undefined) throw new UsageError(`--trace ${trace} is of a deployment of a platform that runs`);
  return readRecorded(trace, values, recorded, seed, signal);
}

function readShape(name: string, length: string | undefined): Traffic {
  if (!Object.hasOwn(shapes, name)) {
    const [near] = nearest(name, Object.keys(shapes));
    throw new UsageError(
      `there is no shape ${name}, expected one of ${Object.keys(shapes).join(', ')}`,
      near === undefined ? undefined : `did you mean shape:${near}?`,
    );
  }
  if (length === undefined) return shapedTraffic(name);
  const ms = parseDurationMs(length, '--duration');
  if (ms < 1000 || ms > shapeMsMax) throw new UsageError(`--duration expects 1s to 2400h, got ${length}`);
  return shapedTraffic(name, Math.round(ms / 1000));
}

async function readFileTrace(trace: string, values: OptionValues, terminal: Terminal): Promise<Traffic> {
  const [file = '', fromName] = trace.split('#');
  const path = resolve(terminal.cwd, file);
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    throw new UsageError(
      `there is no trace ${file} in ${terminal.cwd}`,
      `name a file, last:24h, or a shape: ${Object.keys(shapes).join(', ')}`,
    );
  if (!found.isFile()) throw new UsageError(`--trace ${file} is no file`);
  if (found.size > traceBytesMax)
    throw new UsageError(`--trace ${file} has ${found.size} bytes, expected at most ${traceBytesMax}`);
  const name = file.split('/').at(-1) ?? file;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    const gaps = gapsOf(values) ?? 'refuse';
    return readTrace(name, text, { column: stringOption(values, 'column') ?? fromName, gaps });
  } catch (error) {
    if (error instanceof TraceError) throw new UsageError(`${trace}: ${error.message}`, traceHint(error.message));
    if (error instanceof TypeError) throw new UsageError(`${trace} is no text`);
    throw error;
  }
}

const gapsOf = (values: OptionValues): Gaps | undefined => stringOption(values, 'gaps') as Gaps | undefined;

function traceHint(message: string): string | undefined {
  if (message.includes('telemetry')) return 'say --gaps telemetry or --gaps silence';
  if (message.includes('columns, name')) return 'say --column NAME, or FILE#NAME';
  return undefined;
}

/** `last:24h`, `last:7d`. */
function lastMs(trace: string): number {
  const text = trace.slice('last:'.length);
  const days = /^(\d+(?:\.\d+)?)d$/.exec(text)?.[1];
  const ms = days === undefined ? parseDurationMs(text, '--trace last:') : Number(days) * 86_400_000;
  if (!(ms >= 1000 && ms <= recordedMsMax)) throw new UsageError(`--trace last: expects 1s to 60d, got ${text}`);
  return ms;
}

async function readRecorded(
  trace: string,
  values: OptionValues,
  { client, deployment }: Recorded,
  seed: number,
  signal: AbortSignal,
): Promise<AskedTraffic> {
  const ms = lastMs(trace);
  const name = `${trace} of ${deployment}`;
  const stepMs = ms <= secondsMsMax ? 1000 : 60_000;
  // The platform's clock and this one need not agree.
  const { at: to } = await client.status(signal);
  const slots = stepMs === 1000 ? pastMs / stepMs : 0;
  const from = to - ms - slots * stepMs;
  const found = await client.series(deployment, { from, to, stepMs, columns: ['arrivals'] }, signal);
  const whole = found.columns['arrivals'] ?? [];
  const recording = {
    from: found.from + slots * stepMs,
    stepMs,
    recordedMs: found.recordedMs.slice(slots),
    arrivals: whole.slice(slots),
  };
  const past = Float64Array.from(whole.slice(0, slots), (count) => count ?? Number.NaN);
  const gaps = gapsOf(values) ?? 'telemetry';
  const made = recordedTraffic(name, recording, gaps, seed);
  if (made.kind === 'nothing') {
    const since = found.recordedSince;
    throw new UsageError(
      `--trace ${trace}: nothing is recorded of ${deployment} in that time`,
      since === null ? 'a platform records its load while it runs' : `there are records since ${dateTime(since)}`,
    );
  }
  if (made.kind === 'gaps')
    throw new UsageError(`--trace ${trace}: ${gapsText(made.gaps)}`, 'say --gaps telemetry or --gaps silence');
  const { traffic } = made;
  const notes: string[] = [];
  const wholeMs = durationMs(traffic);
  if (wholeMs < ms - Math.max(2 * stepMs, ms / 100))
    notes.push(
      `${duration(wholeMs / 1000)} of the ${duration(ms / 1000)} are on record, from ${dateTime(traffic.startWallMs)} on`,
    );
  if (stepMs > 1000)
    notes.push('beyond a day what is on record is minutes: within one, requests come evenly by chance');
  if (made.gaps.length > 0) {
    const taken =
      gaps === 'silence'
        ? 'taken for time in which nobody came'
        : 'the load is taken to go on between its neighbours, and policies see nothing in them (--gaps silence: nobody came)';
    notes.push(`${gapsText(made.gaps)}: ${taken}`);
  }
  const learned = past.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0);
  if (learned > 0)
    notes.push(`policies with a memory begin with the ${duration(learned)} on record of the hour before`);
  return { traffic, past, notes };
}

function gapsText(gaps: readonly Gap[]): string {
  const lostMs = gaps.reduce((sum, { from, to }) => sum + to - from, 0);
  const [first] = gaps;
  const where = first === undefined ? '' : `, the first at ${clockTime(first.from)}`;
  const many = gaps.length === 1 ? 'a gap' : `${gaps.length} gaps`;
  return `${many} of ${duration(lostMs / 1000)} altogether in which nothing was recorded${where}`;
}
