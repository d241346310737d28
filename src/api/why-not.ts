/**
 * Why not fewer and why not more, from what stood in the way of a decision; each only where something did. For the
 * command line and the console, so that both say the same. Pure.
 */
import type { WhyView } from './schemas.ts';

export interface WhyNot {
  readonly question: 'not fewer' | 'not more';
  readonly answer: string;
}

export function whyNot({ decision, others: asked = [] }: WhyView): readonly WhyNot[] {
  if (decision === undefined) return [];
  // Who cannot tell holds what is there, and means nothing by it.
  const others = asked.filter((one) => one.doubt === undefined);
  const { target, doubt, cuts, wished } = decision;
  const only = (count: number): string => {
    const who = others.filter((one) => one.target === count);
    return `only ${who.map(({ policy }) => policy).join(', ')} would: ${who[0]?.reason}`;
  };
  const lines: WhyNot[] = [];
  const counts = [wished, ...others.map((one) => one.target ?? target)];
  const [fewest, most] = [Math.min(...counts), Math.max(...counts)];
  if (doubt !== undefined)
    lines.push({ question: 'not fewer', answer: `${doubt}, and what is not known lowers nothing` });
  else if (fewest < target)
    lines.push({ question: 'not fewer', answer: cuts.find(({ from, to }) => from < to)?.reason ?? only(fewest) });
  if (most > target)
    lines.push({ question: 'not more', answer: cuts.find(({ from, to }) => from > to)?.reason ?? only(most) });
  return lines;
}
