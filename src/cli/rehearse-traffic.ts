/** The traffic that `flyball rehearse` is asked for: a file, a shape, or what this platform has recorded itself. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Wording } from '../rehearsal/plan/ask.ts';
import { atMean, type AskedTraffic } from '../rehearsal/plan/asked-traffic.ts';
import { lastPrefix, recordedStretch, trafficOfRecording } from '../rehearsal/plan/recording.ts';
import { readShape, shapePrefix } from '../rehearsal/plan/shape.ts';
import { readTrace, TraceError, type Gaps } from '../rehearsal/traffic/read-trace.ts';
import { shapes } from '../rehearsal/traffic/shapes.ts';
import type { Traffic } from '../rehearsal/traffic/traffic.ts';
import { parseDurationMs } from './arguments.ts';
import type { ControlClient } from './control-client.ts';
import { stringOption, type OptionValues } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { parseRate } from './load-plan.ts';
import type { Terminal } from './terminal.ts';

/** Whose recording it is. */
export interface Recorded {
  readonly client: ControlClient;
  readonly deployment: string;
}

interface TrafficTerms {
  readonly values: OptionValues;
  readonly terminal: Terminal;
  readonly recorded: Recorded | undefined;
  readonly seed: number;
  readonly wording: Wording;
}

const traceBytesMax = 512 * 1024 * 1024;
/** A synthetic course lasts at most so long. */
const shapeMsMax = 100 * 86_400_000;
const traceDefault = 'last:24h';

export async function readTraffic(terms: TrafficTerms, signal: AbortSignal): Promise<AskedTraffic> {
  const { values, recorded, wording } = terms;
  const trace = stringOption(values, 'trace') ?? (recorded === undefined ? undefined : traceDefault);
  if (trace === undefined)
    throw new UsageError('rehearse expects --trace', 'for instance: flyball rehearse --trace shape:flash');
  const mean = stringOption(values, 'mean');
  const perSecond = mean === undefined ? undefined : parseRate(mean, '--mean');
  return atMean(trace, await readNamed(trace, terms, signal), perSecond, wording);
}

async function readNamed(trace: string, terms: TrafficTerms, signal: AbortSignal): Promise<AskedTraffic> {
  const { values, terminal, recorded } = terms;
  const length = stringOption(values, 'duration');
  if (trace.startsWith(shapePrefix)) return { traffic: readShape(trace, secondsOf(length)), notes: [] };
  if (length !== undefined)
    throw new UsageError('--duration is of a shape; a recorded trace lasts as long as it does, last:2h two hours');
  if (!trace.startsWith(lastPrefix)) return { traffic: await readFileTrace(trace, values, terminal), notes: [] };
  if (recorded === undefined) throw new UsageError(`--trace ${trace} is of a deployment of a platform that runs`);
  return readRecorded(trace, recorded, terms, signal);
}

function secondsOf(length: string | undefined): number | undefined {
  if (length === undefined) return undefined;
  const ms = parseDurationMs(length, '--duration');
  if (ms < 1000 || ms > shapeMsMax) throw new UsageError(`--duration expects 1s to 2400h, got ${length}`);
  return Math.round(ms / 1000);
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

async function readRecorded(
  trace: string,
  { client, deployment }: Recorded,
  { values, seed, wording }: TrafficTerms,
  signal: AbortSignal,
): Promise<AskedTraffic> {
  // The platform's clock and this one need not agree.
  const stretch = recordedStretch(trace, (await client.status(signal)).at, wording);
  const { from, to, stepMs } = stretch;
  const found = await client.series(deployment, { from, to, stepMs, columns: ['arrivals'] }, signal);
  const recorded = { ...found, arrivals: found.columns['arrivals'] ?? [] };
  return trafficOfRecording(deployment, stretch, recorded, { gaps: gapsOf(values) ?? 'telemetry', seed }, wording);
}
