/**
 * `last:24h`: what the platform has recorded of a deployment, as traffic. Which stretch of its series that is, and what
 * becomes of it; who fetches it in between is the caller's business. Pure.
 */
import { clockTime, dateTime } from '../../units.ts';
import { duration } from '../report/picture.ts';
import type { Gaps } from '../traffic/read-trace.ts';
import { recordedTraffic, type Gap } from '../traffic/recorded.ts';
import { durationMs } from '../traffic/traffic.ts';
import { AskRefused, type Wording } from './ask.ts';
import type { AskedTraffic } from './asked-traffic.ts';

export const lastPrefix = 'last:';

/** Of what was before, a policy learns from so much. */
const pastMs = 3_600_000;
/** Up to here it is asked for by the second. */
const secondsMsMax = 86_400_000;
const recordedMsMax = 60 * 86_400_000;
const unitMs = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

export interface RecordedStretch {
  readonly trace: string;
  /** What of it is the trace; before it is what policies learn from. */
  readonly ms: number;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly stepMs: number;
  /** Slots before the trace. */
  readonly pastSlots: number;
}

/** What the series have of the stretch. */
export interface RecordedArrivals {
  /** Unix milliseconds of the first slot. */
  readonly from: number;
  readonly recordedSince: number | null;
  readonly recordedMs: readonly number[];
  readonly arrivals: readonly (number | null)[];
}

/** `now`: Unix milliseconds on the platform's clock. */
export function recordedStretch(trace: string, now: number, { option }: Wording): RecordedStretch {
  const text = trace.slice(lastPrefix.length);
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  if (match === null)
    throw new AskRefused(`${option('trace')} last: expects a duration such as 24h, 10m or 7d, got ${text}`);
  const ms = Number(match[1]) * unitMs[match[2] as keyof typeof unitMs];
  if (!(ms >= 1000 && ms <= recordedMsMax))
    throw new AskRefused(`${option('trace')} last: expects 1s to 60d, got ${text}`);
  const stepMs = ms <= secondsMsMax ? 1000 : 60_000;
  const pastSlots = stepMs === 1000 ? pastMs / stepMs : 0;
  return { trace, ms, from: now - ms - pastSlots * stepMs, to: now, stepMs, pastSlots };
}

export function trafficOfRecording(
  deployment: string,
  stretch: RecordedStretch,
  found: RecordedArrivals,
  given: { readonly gaps: Gaps; readonly seed: number },
  { option }: Wording,
): AskedTraffic {
  const { trace, ms, stepMs, pastSlots } = stretch;
  const { gaps, seed } = given;
  const recording = {
    from: found.from + pastSlots * stepMs,
    stepMs,
    recordedMs: found.recordedMs.slice(pastSlots),
    arrivals: found.arrivals.slice(pastSlots),
  };
  const past = Float64Array.from(found.arrivals.slice(0, pastSlots), (count) => count ?? Number.NaN);
  const made = recordedTraffic(`${trace} of ${deployment}`, recording, gaps, seed);
  if (made.kind === 'nothing') {
    const since = found.recordedSince;
    throw new AskRefused(
      `${option('trace')} ${trace}: nothing is recorded of ${deployment} in that time`,
      since === null ? 'a platform records its load while it runs' : `there are records since ${dateTime(since)}`,
    );
  }
  if (made.kind === 'gaps')
    throw new AskRefused(
      `${option('trace')} ${trace}: ${gapsText(made.gaps)}`,
      `say ${option('gaps')} telemetry or ${option('gaps')} silence`,
    );
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
        : `the load is taken to go on between its neighbours, and policies see nothing in them (${option('gaps')} silence: nobody came)`;
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
