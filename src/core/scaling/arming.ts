/**
 * Whether a rehearsal is reason enough to let a policy act by itself: it has to be of this deployment as it is now, not
 * old, and passed. Pure; what it says is shown to whoever asked.
 */
import { readParameters } from './parameters.ts';
import { policies } from './policies/list.ts';

/** How long a rehearsal speaks for the load of now, milliseconds. */
export const rehearsalMsMax = 7 * 86_400_000;

export interface RehearsedPolicy {
  readonly name: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly violationFraction: number;
}

export interface Rehearsed {
  readonly deployment: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly min: number;
  readonly max: number;
  /** Share of requests that might be missed. */
  readonly tolerated: number;
  readonly policies: readonly RehearsedPolicy[];
}

export interface Armed {
  readonly deployment: string;
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly min: number;
  readonly max: number;
}

export type Verdict =
  /** The rehearsed policy that is the deployment's own; `passed`: it kept what was tolerated. */
  | { readonly kind: 'fits'; readonly policy: RehearsedPolicy; readonly passed: boolean }
  | { readonly kind: 'unfit'; readonly problem: string };

const hour = 3_600_000;

/** Every parameter with its default where it is not said: equal texts are equal policies. */
function completed(policy: string, given: Readonly<Record<string, unknown>>): string {
  const table = policies.find(({ name }) => name === policy)?.parameters ?? {};
  const read = readParameters(table, given);
  const all = Object.entries(read.kind === 'read' ? read.parameters : given);
  return JSON.stringify(all.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

export function judgeRehearsal(rehearsed: Rehearsed, armed: Armed, at: number): Verdict {
  const unfit = (problem: string): Verdict => ({ kind: 'unfit', problem });
  if (rehearsed.deployment !== armed.deployment)
    return unfit(`it is of ${rehearsed.deployment}, and not of ${armed.deployment}`);
  const ageMs = at - rehearsed.at;
  if (ageMs > rehearsalMsMax)
    return unfit(`it is ${Math.floor(ageMs / hour)} hours old, expected at most ${rehearsalMsMax / hour}`);
  if (rehearsed.min !== armed.min || rehearsed.max !== armed.max)
    return unfit(
      `it had ${rehearsed.min} to ${rehearsed.max} replicas, and ${armed.deployment} has ${armed.min} to ${armed.max}`,
    );
  const named = rehearsed.policies.filter(({ name }) => name === armed.policy);
  if (named.length === 0) return unfit(`it has not tried ${armed.policy}, by which ${armed.deployment} is governed`);
  const own = named.find(
    ({ parameters }) => completed(armed.policy, parameters) === completed(armed.policy, armed.parameters),
  );
  if (own === undefined)
    return unfit(`it has tried ${armed.policy} with other parameters than ${JSON.stringify(armed.parameters)}`);
  return { kind: 'fits', policy: own, passed: own.violationFraction <= rehearsed.tolerated };
}
