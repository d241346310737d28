/** Times as a field of date and time has them, which knows no zone. Pure. */
import { clock, type Zone } from './time.ts';

/** The time on the wall of a zone, to the second. */
export const wall = (at: number, zone: Zone): string => `${clock(at, zone, 'date')}T${clock(at, zone)}`;

/** The moment at which the wall shows this; undefined: it is no time. In the hour that comes twice, the first. */
export function momentOf(text: string, zone: Zone): number | undefined {
  const asUtc = Date.parse(`${text}Z`);
  if (!Number.isFinite(asUtc)) return undefined;
  const offset = (at: number): number => Date.parse(`${wall(at, zone)}Z`) - at;
  const first = asUtc - offset(asUtc);
  return asUtc - offset(first);
}
