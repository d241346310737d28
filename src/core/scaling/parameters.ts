/**
 * What can be set on a policy, as data: type, default, range, unit and meaning in one place. The specification's schema,
 * the options of a rehearsal and the reference page derive from it.
 */

interface Described {
  /** One sentence, with its unit. */
  readonly about: string;
}

export type Parameter =
  | (Described & {
      readonly kind: 'number';
      readonly default: number;
      readonly min?: number;
      readonly max?: number;
      readonly whole?: boolean;
    })
  | (Described & { readonly kind: 'choice'; readonly default: string; readonly of: readonly string[] })
  | (Described & { readonly kind: 'flag'; readonly default: boolean })
  /** A list or a mapping of the policy's own, read by `read`, which says in an error what was expected. */
  | (Described & {
      readonly kind: 'structure';
      readonly default: unknown;
      readonly read: (value: unknown) => unknown;
    });

export type ParameterTable = Readonly<Record<string, Parameter>>;

type Value<One extends Parameter> = One extends { kind: 'number' }
  ? number
  : One extends { kind: 'flag' }
    ? boolean
    : One extends { kind: 'choice'; of: readonly (infer Word)[] }
      ? Word
      : One extends { kind: 'structure'; read: (value: unknown) => infer Result }
        ? Result
        : never;

export type Parameters<Table extends ParameterTable> = { readonly [Name in keyof Table]: Value<Table[Name]> };

export type ReadParameters<Table extends ParameterTable> =
  | { readonly kind: 'read'; readonly parameters: Parameters<Table> }
  /** Every problem that was found, each a sentence that names the parameter. */
  | { readonly kind: 'refused'; readonly problems: readonly string[] };

function problemOf(name: string, parameter: Parameter, value: unknown): string | undefined {
  switch (parameter.kind) {
    case 'number': {
      const { min = Number.NEGATIVE_INFINITY, max = Number.POSITIVE_INFINITY, whole = false } = parameter;
      const sound = typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max;
      if (sound && (!whole || Number.isInteger(value))) return undefined;
      const above = Number.isFinite(min) ? ` of at least ${min}` : '';
      const below = Number.isFinite(max) ? `${above === '' ? ' of' : ' and'} at most ${max}` : '';
      return `${name} is ${JSON.stringify(value)}, expected a ${whole ? 'whole ' : ''}number${above}${below}`;
    }
    case 'choice':
      if (typeof value === 'string' && parameter.of.includes(value)) return undefined;
      return `${name} is ${JSON.stringify(value)}, expected one of ${parameter.of.join(', ')}`;
    case 'flag':
      return typeof value === 'boolean' ? undefined : `${name} is ${JSON.stringify(value)}, expected true or false`;
    case 'structure':
      break;
  }
  return undefined;
}

/** Unknown names are problems; what is not given takes its default. */
export function readParameters<Table extends ParameterTable>(
  table: Table,
  given: Readonly<Record<string, unknown>>,
): ReadParameters<Table> {
  const problems = Object.keys(given)
    .filter((name) => !Object.hasOwn(table, name))
    .map((name) => `${name} is no parameter of it, expected one of ${Object.keys(table).join(', ') || 'none'}`);
  const parameters: Record<string, unknown> = {};
  for (const [name, parameter] of Object.entries(table)) {
    const value = given[name] ?? parameter.default;
    const problem = problemOf(name, parameter, value);
    if (problem !== undefined) {
      problems.push(problem);
    } else if (parameter.kind === 'structure') {
      try {
        parameters[name] = parameter.read(value);
      } catch (error) {
        problems.push(`${name}: ${(error as Error).message}`);
      }
    } else {
      parameters[name] = value;
    }
  }
  return problems.length > 0
    ? { kind: 'refused', problems }
    : { kind: 'read', parameters: parameters as Parameters<Table> };
}

/** Everything at its default. A table whose defaults do not pass its own check is a mistake of its author. */
export function defaultsOf<Table extends ParameterTable>(table: Table): Parameters<Table> {
  const read = readParameters(table, {});
  if (read.kind === 'refused') throw new TypeError(read.problems.join('; '));
  return read.parameters;
}
