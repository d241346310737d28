/** Every policy by its name: the one list from which the specification, the command line and the reference page derive. */
import { awsStep } from './aws-step.ts';
import { awsTarget } from './aws-target.ts';
import { cron } from './cron.ts';
import { fixed } from './fixed.ts';
import { hpa } from './hpa.ts';
import { keda } from './keda.ts';
import { kpa } from './kpa.ts';
import { learned } from './learned.ts';
import { ray } from './ray.ts';
import { slo } from './slo.ts';
import { thresholds } from './thresholds.ts';
import { readParameters } from '../parameters.ts';
import type { Policy, PolicyDefinition } from '../policy.ts';

export const policies: readonly PolicyDefinition[] = [
  slo,
  learned,
  thresholds,
  hpa,
  kpa,
  keda,
  ray,
  awsTarget,
  awsStep,
  cron,
  fixed,
];

/** Whether it has external metrics, figures from outside with a target a replica. */
export function takesExternal(policy: string): boolean {
  return policies.some(({ name, parameters }) => name === policy && Object.hasOwn(parameters, 'external'));
}

/** Of the state that a policy of this name keeps; 0 where there is none of the name. */
export const layoutOf = (policy: string): number => policies.find(({ name }) => name === policy)?.layout ?? 0;

export type MadePolicy =
  | { readonly kind: 'made'; readonly policy: Policy }
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

/** A policy by name, with what is set on it; what is not takes its default. */
export function makePolicy(name: string, given: Readonly<Record<string, unknown>> = {}): MadePolicy {
  const definition = policies.find((one) => one.name === name);
  if (definition === undefined) {
    const known = policies.map((one) => one.name).join(', ');
    return { kind: 'refused', problems: [`there is no policy ${name}, expected one of ${known}`] };
  }
  const read = readParameters(definition.parameters, given);
  return read.kind === 'refused' ? read : { kind: 'made', policy: definition.create(read.parameters) };
}
