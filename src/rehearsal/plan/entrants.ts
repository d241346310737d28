/** Which policies run, in which order, and with what set on them. Pure, but for the time that finding a fixed fleet takes. */
import { nearest } from '../../config/nearest.ts';
import { makePolicy, policies } from '../../core/scaling/policies/list.ts';
import { cheapestFixed } from '../cheapest-fixed.ts';
import type { Contender } from '../report/compare.ts';
import type { Scenario } from '../scenario.ts';
import { AskRefused, type Named, type Wording } from './ask.ts';

/** Share of requests that may be missed where nobody says. */
export const toleratedDefault = 0.01;

/** The policy that a deployment has. */
export interface OwnPolicy {
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface Entrant {
  readonly name: string;
  /** It is looked for in hindsight, which takes some runs of its own. */
  readonly isInHindsight: boolean;
  enter(scenario: Scenario): Contender;
}

/** Every one that has a rule of its own for any load: a schedule and a fixed count have to be told theirs. */
const isGeneral = (name: string): boolean => name !== 'cron' && name !== 'fixed';

const fixedInHindsight: Named = { name: 'fixed', given: {} };

/** The deployment's own comes first, as it is set; so it is where it is named without parameters. */
export function entrantsOf(
  asked: readonly Named[] | undefined,
  own: OwnPolicy | undefined,
  tolerated: number,
  wording: Wording,
): readonly Entrant[] {
  const asOwn = ({ name, given }: Named): Named =>
    name === own?.policy && Object.keys(given).length === 0 ? { name, given: own.parameters } : { name, given };
  const first = own === undefined ? [] : [{ name: own.policy, given: own.parameters }];
  const general = policies.filter(({ name }) => isGeneral(name) && name !== own?.policy);
  const named =
    asked === undefined
      ? [...first, ...general.map(({ name }) => ({ name, given: {} })), fixedInHindsight]
      : asked.map(asOwn);
  return named.map((one) => entrant(one, tolerated, wording));
}

function entrant(asked: Named, tolerated: number, { option }: Wording): Entrant {
  const { name } = asked;
  const knobs = policies.find((one) => one.name === name)?.parameters ?? {};
  // What is tolerated is one thing, for the verdict and for a policy that asks for it.
  const isOwn = tolerated !== toleratedDefault && Object.hasOwn(knobs, 'tolerated');
  const given = isOwn ? { tolerated, ...asked.given } : asked.given;
  const made = makePolicy(name, given);
  if (made.kind === 'refused') {
    const isKnown = policies.some((one) => one.name === name);
    const [near] = isKnown
      ? []
      : nearest(
          name,
          policies.map((one) => one.name),
        );
    throw new AskRefused(
      `${option('policies')}: ${isKnown ? `${name}: ` : ''}${made.problems.join('; ')}`,
      near === undefined ? undefined : `did you mean ${near}?`,
    );
  }
  const { policy } = made;
  if (name !== 'fixed') return { name, isInHindsight: false, enter: () => ({ name, parameters: given, policy }) };
  const told = given['count'];
  const isTold = typeof told === 'number';
  return {
    name,
    isInHindsight: !isTold,
    enter(scenario) {
      const count = isTold ? told : cheapestFixed(scenario, tolerated);
      const standing = makePolicy('fixed', { count });
      return {
        name,
        parameters: { count },
        policy: standing.kind === 'made' ? standing.policy : policy,
        initial: Math.min(scenario.max, Math.max(scenario.min, count)),
      };
    },
  };
}
