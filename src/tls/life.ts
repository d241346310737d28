/**
 * How long a certificate of the platform's authority lives, and when its owner asks for the next one. Pure.
 *
 *   issued ──────────────── half ────── renew (two thirds, a little earlier by chance) ──▲── until
 *                            │                                            tries again with back-off
 *                            └─ from here on no new task is given it (see drivers/orchestrators/swarm)
 *
 * Invariant: whoever reaches control once in the last third goes on without a gap.
 */
import { X509Certificate } from 'node:crypto';
import { backdatedMs } from './authority.ts';

/** Unix milliseconds by the clock of whoever issued it. */
export interface Life {
  readonly from: number;
  readonly until: number;
}

const renewShare = 2 / 3;
/** Of a life: those that were issued together are not renewed together. */
const jitterShare = 0.1;
const retryMsMin = 1000;
const retryMsMax = 60_000;
/** Of a life: one that lives for seconds tries again within fractions of them. */
const retryShareMax = 0.05;

/** Of a certificate that the platform's authority has issued, in PEM. */
export function lifeOf(certificate: string): Life {
  const { validFromDate, validToDate } = new X509Certificate(certificate);
  return { from: validFromDate.getTime() + backdatedMs, until: validToDate.getTime() };
}

/** When to ask for the next one; `chance` in [0, 1). */
export function renewalOf({ from, until }: Life, chance: number): number {
  return from + (until - from) * (renewShare - jitterShare * chance);
}

/** How long to wait after `failures` (at least 1) in a row; `chance` in [0, 1). */
export function retryMs({ from, until }: Life, failures: number, chance: number): number {
  const most = Math.min(retryMsMax, (until - from) * retryShareMax);
  const wait = Math.min(retryMsMin * 2 ** (failures - 1), most);
  // Never less than half: doors are not hammered by whoever draws a nought.
  return wait * (0.5 + chance / 2);
}

export const isOver = ({ until }: Life, at: number): boolean => at >= until;

export const isoOf = (unixMs: number): string => `${new Date(unixMs).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
