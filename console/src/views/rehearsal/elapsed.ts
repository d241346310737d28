/** A moment of a rehearsal: of a recorded one when it was, of a shape how long after its beginning. Pure. */
import { clock, zoneName, type Zone } from '../../format/time.ts';

export const isRecorded = (trace: string): boolean => !trace.startsWith('shape:');

/** `1:05:00` after the beginning. */
export function elapsed(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}

/** Where a rehearsal's seconds lie in time. */
export interface CourseTime {
  readonly trace: string;
  /** Unix milliseconds. */
  readonly from: number;
  readonly zone: Zone;
}

export function momentOf({ trace, from, zone }: CourseTime, seconds: number): string {
  if (!isRecorded(trace)) return `${elapsed(seconds)} after the beginning`;
  const at = from + seconds * 1000;
  return `${clock(at, zone, 'date')} ${clock(at, zone)} ${zoneName(at, zone)}`;
}
