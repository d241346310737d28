/** A fleet of one size, whatever comes: the reference that every other policy has to beat. */
import type { ParameterTable } from '../parameters.ts';
import type { Policy, PolicyDefinition } from '../policy.ts';

const parameters = {
  count: { kind: 'number', default: 1, min: 0, max: 100_000, whole: true, about: 'Units that are kept.' },
} as const satisfies ParameterTable;

function create({ count }: { readonly count: number }): Policy<null> {
  const proposal = { target: count, reason: () => `${count} are kept, whatever the load` };
  return { name: 'fixed', start: () => null, step: (state) => ({ state, proposal }) };
}

export const fixed: PolicyDefinition<typeof parameters> = {
  name: 'fixed',
  layout: 1,
  summary: 'A fleet of one size.',
  source: 'None needed.',
  parameters,
  create,
};
