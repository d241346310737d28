/**
 * How slow this machine is now beside the one for which times are promised, by a fixed loop. A time that is promised in
 * seconds is held to that many times as much in a test: neighbours on a machine are no fault of what is tested.
 */
import { calibrate, slowness } from '../../bench/report.ts';

/** What is left for a test process that competes with what it tests. */
const slack = 2;

export function allowedMs(promisedMs: number): number {
  return Math.ceil(promisedMs * slack * slowness(calibrate()));
}
