/** A decision as the steps that a person follows: what was asked for, what each limit made of it, what came out. Pure. */
import type { WhyView } from '../../../../src/api/schemas.ts';

type Decision = NonNullable<WhyView['decision']>;

export interface Step {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  /** Whether this stage changed anything. */
  readonly bit: boolean;
  readonly reason: string;
}

export interface Limit extends Step {
  /** What it lets through; null: no limit on that side. */
  readonly min: number | null;
  readonly max: number | null;
}

/** Every limit between what was asked for and the target; entries of an earlier release know only those that bit. */
export function limits({ chain, cuts }: Decision): readonly Limit[] {
  if (chain === undefined)
    return cuts.map(({ stage, from, to, reason }) => ({
      name: stage,
      from,
      to,
      bit: from !== to,
      reason,
      min: from < to ? to : null,
      max: from > to ? to : null,
    }));
  return chain.map(({ stage, by, ...rest }) => ({ name: by === undefined ? stage : `${stage}: ${by}`, ...rest }));
}

/** From what is held, over what was asked for, through the limits that bit, to the target. */
export function steps(decision: Decision): readonly Step[] {
  const { held, target, raw = { target: decision.wished, by: decision.by, reason: decision.reason } } = decision;
  const asked = {
    name: `asked for by ${raw.by}`,
    from: held,
    to: raw.target,
    bit: raw.target !== held,
    reason: raw.reason,
  };
  const bit = limits(decision).filter((limit) => limit.bit);
  return [
    { name: 'held', from: held, to: held, bit: false, reason: 'what was wanted before' },
    asked,
    ...bit,
    {
      name: 'target',
      from: bit.at(-1)?.to ?? raw.target,
      to: target,
      bit: false,
      reason: 'what is wanted from then on',
    },
  ];
}

/** What a limit lets through, in words. */
export function room({ min, max }: Limit): string {
  if (min === null && max === null) return 'no limit';
  if (min === null) return `at most ${max}`;
  if (max === null) return `at least ${min}`;
  return min === max ? `exactly ${min}` : `${min} to ${max}`;
}

/** The largest count of the picture, at least one, so that it has a scale. */
export const most = (all: readonly Step[]): number => Math.max(1, ...all.flatMap(({ from, to }) => [from, to]));

/** The head of the page in one line. */
export function headline({ deployment, decision, desired }: WhyView): string {
  if (decision === undefined) return `${deployment}: ${desired} ${desired === 1 ? 'replica' : 'replicas'} wanted`;
  const { held, target } = decision;
  if (held !== target) return `${deployment}: ${held} → ${target} replicas`;
  return `${deployment}: ${held} ${held === 1 ? 'replica' : 'replicas'}, as before`;
}

export const doneWords = {
  held: 'Nothing was changed',
  advised: 'Advised only',
  asked: 'Waits for a person',
  moved: 'The target was changed',
  refused: 'Refused',
} as const;
