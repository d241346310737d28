/** What a request for a rehearsal may name, with what can be set on it: for a form that offers it. Pure. */
import type { RehearsalChoices } from '../api/rehearsal-schemas.ts';
import type { Parameter, ParameterTable } from '../core/scaling/parameters.ts';
import { policies } from '../core/scaling/policies/list.ts';
import { faultTables } from '../rehearsal/faults.ts';
import { lagSeconds } from '../rehearsal/scenario.ts';
import { shapes } from '../rehearsal/traffic/shapes.ts';

type ParameterView = RehearsalChoices['faults'][number]['parameters'][number];

export function rehearsalChoices(build: string): RehearsalChoices {
  return {
    shapes: Object.entries(shapes).map(([name, { about, seconds }]) => ({ name, about, seconds })),
    policies: policies.map(({ name, summary, parameters }) => ({ name, summary, parameters: viewsOf(parameters) })),
    faults: Object.entries(faultTables).map(([name, table]) => ({ name, parameters: viewsOf(table) })),
    lags: Object.entries(lagSeconds).map(([name, seconds]) => ({ name, seconds })),
    build,
  };
}

const viewsOf = (table: ParameterTable): ParameterView[] =>
  Object.entries(table).map(([name, parameter]) => viewOf(name, parameter));

function viewOf(name: string, parameter: Parameter): ParameterView {
  const { kind, about, default: given } = parameter;
  const view = { name, kind, about, default: given };
  if (parameter.kind === 'choice') return { ...view, of: [...parameter.of] };
  if (parameter.kind !== 'number') return view;
  const { min, max } = parameter;
  return { ...view, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}
