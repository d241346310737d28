/**
 * From what a policy asked for to what is held, limit by limit: each says how far it lets the wish go, and whether it has
 * changed it. Pure. Law: folded over the wish, the limits as they are told give the target, for every decision.
 *
 *     wish 9 ─ doubt ─ ceilings ─ floors ─ sound ─ stabilisation ─ rate ─ blast radius ─ flaps ─ room ─ freeze ─ cost ─ bounds ─▶ 6
 *                                                   most 7: bit    most 6: bit                            1 to 8: did not
 */
import { stages } from './constrain.ts';

/** What is in doubt and what others claim, then what constrains. */
export const chainStages = ['doubt', 'floor', 'ceiling', ...stages] as const;
export type ChainStage = (typeof chainStages)[number];

/** How far a stage lets a wish go; null: as far as it likes. */
export interface Limit {
  readonly stage: ChainStage;
  /** Whose, where it is somebody's. */
  readonly by?: string;
  readonly min: number | null;
  readonly max: number | null;
  /** What it is, also where it changes nothing. */
  readonly reason: string;
}

/** Plain JSON. */
export interface Link extends Limit {
  readonly from: number;
  readonly to: number;
  /** Whether it has changed the wish. */
  readonly bit: boolean;
}

/** `from` within the limit; what is no number is taken for too small. */
export function within(from: number, { min, max }: Pick<Limit, 'min' | 'max'>): number {
  if (min !== null && !(from >= min)) return min;
  return max !== null && from > max ? max : from;
}

export function chainOf(wish: number, limits: readonly Limit[]): readonly Link[] {
  let from = wish;
  return limits.map((limit) => {
    const to = within(from, limit);
    const link = { ...limit, from, to, bit: !Object.is(from, to) };
    from = to;
    return link;
  });
}
