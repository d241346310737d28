/** A course that nobody recorded, by the name that somebody gives. Pure. */
import { nearest } from '../../config/nearest.ts';
import { shapedTraffic, shapes } from '../traffic/shapes.ts';
import type { Traffic } from '../traffic/traffic.ts';
import { AskRefused } from './ask.ts';

export const shapePrefix = 'shape:';
/** Requests a second on average, where nobody says. */
export const shapeRateDefault = 150;

/** `shape:flash`; `seconds`: its length, absent: its own. */
export function readShape(trace: string, seconds?: number): Traffic {
  const name = trace.slice(shapePrefix.length);
  if (!Object.hasOwn(shapes, name)) {
    const [near] = nearest(name, Object.keys(shapes));
    throw new AskRefused(
      `there is no shape ${name}, expected one of ${Object.keys(shapes).join(', ')}`,
      near === undefined ? undefined : `did you mean shape:${near}?`,
    );
  }
  return shapedTraffic(name, seconds);
}
