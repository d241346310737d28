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
  /** Milliseconds; absent in one that says nothing of it. */
  readonly objective?: { readonly latencyMs: number; readonly deadlineMs: number } | undefined;
  /** What held the target back besides its bounds, as the specification says it, with every default; or absent. */
  readonly constraints?: Readonly<Record<string, unknown>> | undefined;
  readonly policies: readonly RehearsedPolicy[];
  /** Digest of the decision code that made it; absent: it does not say. */
  readonly build?: string | undefined;
}

export interface Armed {
  readonly deployment: string;
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
  readonly min: number;
  readonly max: number;
  /** `measured`: none is declared, and it is what warm-ups have shown; absent while none has. */
  readonly latency: { readonly kind: 'declared' | 'measured'; readonly ms: number } | undefined;
  readonly deadlineMs: number;
  readonly constraints: Readonly<Record<string, unknown>>;
  /** Digest of the decision code that would act. */
  readonly build?: string | undefined;
}

export type Verdict =
  /**
   * The rehearsed policy that is the deployment's own; `passed`: it kept what was tolerated; `sameBuild`: the code that
   * would act has made it, as far as it says.
   */
  | {
      readonly kind: 'fits';
      readonly policy: RehearsedPolicy;
      readonly passed: boolean;
      readonly sameBuild: boolean;
    }
  | { readonly kind: 'unfit'; readonly problem: string };

const hour = 3_600_000;

/** Every parameter with its default where it is not said: equal texts are equal policies. */
function completed(policy: string, given: Readonly<Record<string, unknown>>): string {
  const table = policies.find(({ name }) => name === policy)?.parameters ?? {};
  const read = readParameters(table, given);
  const all = Object.entries(read.kind === 'read' ? read.parameters : given);
  return JSON.stringify(all.toSorted(([left], [right]) => (left < right ? -1 : 1)));
}

/** Equal texts are equal values, in whatever order their keys came. */
const textOf = (value: unknown): string =>
  JSON.stringify(value, (_, each: unknown) =>
    typeof each === 'object' && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).toSorted(([left], [right]) => (left < right ? -1 : 1)))
      : each,
  );

/** Two warm-ups of the same model on the same machine differ by less. */
const measuredApart = 1.25;

/** What was otherwise than it is now, in words. */
function differenceOf(rehearsed: Rehearsed, armed: Armed): string | undefined {
  const { objective, constraints } = rehearsed;
  const { deployment, latency, deadlineMs } = armed;
  if (objective === undefined || constraints === undefined) return 'it does not say by which objective and constraints';
  const before = objective.latencyMs;
  const apart = latency === undefined ? 1 : Math.max(before / latency.ms, latency.ms / before);
  // NaN and infinite are apart, too.
  if (latency !== undefined && !(apart <= (latency.kind === 'measured' ? measuredApart : 1)))
    return `it had an objective of ${Math.round(before)} ms, and ${deployment} has ${Math.round(latency.ms)} ms`;
  if (objective.deadlineMs !== deadlineMs)
    return `it had a deadline of ${objective.deadlineMs} ms, and ${deployment} has ${deadlineMs} ms`;
  for (const key of new Set([...Object.keys(constraints), ...Object.keys(armed.constraints)])) {
    const [then, now] = [textOf(constraints[key] ?? null), textOf(armed.constraints[key] ?? null)];
    if (then !== now) return `it had scaling.${key} ${then}, and ${deployment} has ${now}`;
  }
  return undefined;
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
  const difference = differenceOf(rehearsed, armed);
  if (difference !== undefined) return unfit(difference);
  const named = rehearsed.policies.filter(({ name }) => name === armed.policy);
  if (named.length === 0) return unfit(`it has not tried ${armed.policy}, by which ${armed.deployment} is governed`);
  const own = named.find(
    ({ parameters }) => completed(armed.policy, parameters) === completed(armed.policy, armed.parameters),
  );
  if (own === undefined)
    return unfit(`it has tried ${armed.policy} with other parameters than ${JSON.stringify(armed.parameters)}`);
  const passed = own.violationFraction <= rehearsed.tolerated;
  const sameBuild = rehearsed.build === undefined || armed.build === undefined || rehearsed.build === armed.build;
  return { kind: 'fits', policy: own, passed, sameBuild };
}
