/**
 * Traffic that nobody recorded: the surprises and the courses of a day with which an autoscaler has to live. Each is a
 * course in seconds; how much it is altogether is for `scaledTo` to say.
 */
import { rateAt, type Shape } from '../../load/shapes.ts';
import { nominalStartMs, type Traffic } from './traffic.ts';

interface NamedShape {
  readonly about: string;
  readonly seconds: number;
  /** Relative load at a time, in seconds of `whole`. */
  readonly loadAt: (second: number, whole: number) => number;
}

const course =
  (shape: (wholeMs: number) => Shape) =>
  (second: number, whole: number): number =>
    rateAt(shape(whole * 1000), (second + 0.5) * 1000);

const hour = 3600;
/** Half a period of the square wave. */
const squareSeconds = 300;

export const shapes: Readonly<Record<string, NamedShape>> = {
  constant: { about: 'the same all the time', seconds: hour, loadAt: () => 1 },
  flash: {
    about: 'a crowd of ten times the load in the middle fifth',
    seconds: hour,
    loadAt: course((durationMs) => ({ kind: 'flash', rate: 1, peak: 10, durationMs })),
  },
  square: {
    about: 'five minutes of little, five minutes of four times that',
    seconds: hour,
    loadAt: (second) => (Math.floor(second / squareSeconds) % 2 === 0 ? 1 : 4),
  },
  ramp: {
    about: 'from little to ten times that in a straight line',
    seconds: hour,
    loadAt: course((durationMs) => ({ kind: 'ramp', rate: 1, peak: 10, durationMs })),
  },
  diurnal: {
    about: 'a day: night at its ends, five times as much at noon',
    seconds: 24 * hour,
    loadAt: course(() => ({ kind: 'sine', rate: 1, peak: 5, periodMs: 24 * hour * 1000 })),
  },
  silence: {
    about: 'nothing for the first half, then everything at once',
    seconds: hour,
    loadAt: course((durationMs) => ({ kind: 'step', rate: 0, peak: 1, durationMs })),
  },
};

export function shapedTraffic(name: string, seconds?: number): Traffic {
  const shape = Object.hasOwn(shapes, name) ? shapes[name] : undefined;
  if (shape === undefined)
    throw new RangeError(`there is no shape ${name}, expected one of ${Object.keys(shapes).join(', ')}`);
  const whole = seconds ?? shape.seconds;
  const counts = Float64Array.from({ length: whole }, (_, second) => shape.loadAt(second, whole));
  return { name: `shape:${name}`, slotMs: 1000, counts, loads: counts, startWallMs: nominalStartMs };
}
