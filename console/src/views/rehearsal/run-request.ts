/**
 * What a person has filled in, and the request that is made of it. What is left as it is stays out of the request, so
 * that the platform's own defaults hold. Pure.
 */
import type { Choices, ParameterChoice } from './kinds.ts';

/** By name: the texts of its parameters that were filled in. */
export type Chosen = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface RunForm {
  readonly deployment: string;
  /** `last:24h`, `shape:flash`. */
  readonly trace: string;
  /** Requests a second; empty: the shape's default, or as recorded. */
  readonly mean: string;
  /** Of a shape, minutes; empty: its own. */
  readonly minutes: string;
  readonly policies: Chosen;
  /** Empty: as its starts have been. */
  readonly lag: string;
  readonly faults: Chosen;
  /** Per cent. */
  readonly tolerated: string;
  readonly seed: string;
}

export const emptyForm = (deployment: string): RunForm => ({
  deployment,
  trace: 'last:1h',
  mean: '',
  minutes: '',
  policies: {},
  lag: '',
  faults: {},
  tolerated: '',
  seed: '1',
});

export type ReadRun =
  | { readonly kind: 'read'; readonly body: Readonly<Record<string, unknown>> }
  | { readonly kind: 'refused'; readonly problem: string };

const isShape = (trace: string): boolean => trace.startsWith('shape:');

export function runRequest(form: RunForm, choices: Choices, by: string): ReadRun {
  const problems: string[] = [];
  const number = (text: string, what: string, least: number, most: number): number | undefined => {
    if (text.trim() === '') return undefined;
    const value = Number(text);
    if (Number.isFinite(value) && value >= least && value <= most) return value;
    problems.push(`${what}: expected a number from ${least} to ${most}, got ${text.trim()}`);
    return undefined;
  };
  const named = (chosen: Chosen, from: readonly { name: string; parameters: readonly ParameterChoice[] }[]) =>
    Object.entries(chosen).map(([name, texts]) => {
      const table = from.find((one) => one.name === name)?.parameters ?? [];
      const parameters: Record<string, unknown> = {};
      for (const parameter of table) {
        const text = texts[parameter.name]?.trim() ?? '';
        if (text === '') continue;
        const read = valueOf(parameter, text);
        if (read.kind === 'value') parameters[parameter.name] = read.value;
        else problems.push(`${name}, ${parameter.name}: ${read.problem}`);
      }
      return { name, parameters };
    });
  const mean = number(form.mean, 'Requests a second', 0.001, 1_000_000);
  const minutes = isShape(form.trace) ? number(form.minutes, 'Length', 0.1, 10_080) : undefined;
  const tolerated = number(form.tolerated, 'May be missed', 0, 99.9);
  const seed = number(form.seed, 'Seed', 0, 2_147_483_647);
  const policies = named(form.policies, choices.policies);
  const faults = named(form.faults, choices.faults);
  const [problem] = problems;
  if (problem !== undefined) return { kind: 'refused', problem };
  return {
    kind: 'read',
    body: {
      trace: form.trace,
      by,
      ...(mean !== undefined && { mean }),
      ...(minutes !== undefined && { durationSeconds: Math.round(minutes * 60) }),
      ...(policies.length > 0 && { policies }),
      ...(form.lag !== '' && { lag: form.lag }),
      ...(faults.length > 0 && { faults }),
      ...(tolerated !== undefined && { tolerated: tolerated / 100 }),
      ...(seed !== undefined && { seed: Math.round(seed) }),
    },
  };
}

type ReadValue =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly problem: string };

function valueOf({ kind }: ParameterChoice, text: string): ReadValue {
  switch (kind) {
    case 'number': {
      const value = Number(text);
      return Number.isFinite(value)
        ? { kind: 'value', value }
        : { kind: 'problem', problem: `expected a number, got ${text}` };
    }
    case 'flag':
      return { kind: 'value', value: text === 'true' };
    case 'choice':
      return { kind: 'value', value: text };
    case 'structure':
      try {
        return { kind: 'value', value: JSON.parse(text) as unknown };
      } catch {
        return { kind: 'problem', problem: `expected JSON, got ${text}` };
      }
  }
}
