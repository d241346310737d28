/** The traffic of a rehearsal once somebody has asked for it, with what of it is not as it was asked for. Pure. */
import { meanRate, scaledTo, type Traffic } from '../traffic/traffic.ts';
import { AskRefused, type Wording } from './ask.ts';
import { shapePrefix, shapeRateDefault } from './shape.ts';

export interface AskedTraffic {
  readonly traffic: Traffic;
  /** Requests of each second before it, NaN where nothing was recorded. */
  readonly past?: Float64Array;
  /** What of it is not as it was asked for, or was taken to be. */
  readonly notes: readonly string[];
}

/** `perSecond`: the mean that is wanted; absent: as recorded, and for a shape the default. */
export function atMean(
  trace: string,
  asked: AskedTraffic,
  perSecond: number | undefined,
  { option }: Wording,
): AskedTraffic {
  const { traffic } = asked;
  if (meanRate(traffic) === 0) throw new AskRefused(`${option('trace')} ${trace}: nobody comes in it`);
  const wanted = perSecond ?? (trace.startsWith(shapePrefix) ? shapeRateDefault : undefined);
  if (wanted === undefined) return asked;
  const factor = wanted / meanRate(traffic);
  const past = asked.past?.map((count) => count * factor);
  return { ...asked, traffic: scaledTo(traffic, wanted), ...(past !== undefined && { past }) };
}
