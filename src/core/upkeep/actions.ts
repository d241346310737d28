/**
 * What upkeep answers: what is to be done, each with its reason, the state in a word, and what becomes of callers. It is
 * carried out by the shell around it.
 */
import type { Reserve } from './seen.ts';

export type Action =
  | {
      readonly kind: 'start';
      readonly template: string;
      readonly count: number;
      readonly reason: string;
      /** Somebody waits, nothing else serves, and the template has served before: the first call may be its warm-up. */
      readonly awaited?: true;
    }
  | { readonly kind: 'drain'; readonly replica: string; readonly reason: string }
  /** It serves nobody (any more): end it. */
  | { readonly kind: 'stop'; readonly replica: string; readonly reason: string }
  /** From now on the table sends requests to this template. */
  | { readonly kind: 'switch'; readonly template: string; readonly reserve?: Reserve; readonly reason: string }
  /** `template`, which served before, serves again; `rejected` is not tried until somebody asks for it. */
  | { readonly kind: 'revert'; readonly template: string; readonly rejected: string; readonly reason: string }
  /** It was to go and has not gone yet: it takes work again. */
  | { readonly kind: 'restore'; readonly replica: string; readonly reason: string }
  /** The deployment was to be removed, and nothing is left of it. */
  | { readonly kind: 'forget'; readonly reason: string };

/**
 * What becomes of a request that finds no ready replica. `wait`: one is on its way, or comes for whoever waits;
 * `refuse`: none will come soon, new ones are turned away; `fail`: none can come, those that wait fail with the reason.
 */
export type Callers = 'wait' | 'refuse' | 'fail';

export interface Upkeep {
  readonly actions: readonly Action[];
  readonly state: 'serving' | 'starting' | 'updating' | 'degraded' | 'failed' | 'asleep' | 'idle';
  /** Why it is not simply serving. */
  readonly reason?: string;
  readonly callers: Callers;
  /** When to look again although nothing happened: a back-off or a drain ends. */
  readonly wakeAt?: number;
}
