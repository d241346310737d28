/**
 * What a model says of its deployments (model.yaml: `deployment`), put where a specification says nothing. Pure.
 * Invariant: whatever the specification writes stands, and a default gives way where it would contradict it.
 */
import type { DeploymentDefaults } from './model-file.ts';
import { valueAt } from './problems.ts';
import type { DeploymentSpecification } from './specification.ts';

export interface WithDefaults {
  readonly deployment: DeploymentSpecification;
  /** Keys that the model decided, with their values: `replicas.min 2`. */
  readonly taken: readonly string[];
}

/** `written` is the deployment as it stands in the file, before the schema's own defaults were filled in. */
export function withModelDefaults(
  deployment: DeploymentSpecification,
  written: unknown,
  defaults: DeploymentDefaults | undefined,
): WithDefaults {
  if (defaults === undefined) return { deployment, taken: [] };
  const taken: string[] = [];
  const choose = (section: string, key: string, now: number, wish: number | undefined): number => {
    const isWritten = valueAt(written, [section, key]) !== undefined;
    return isWritten || wish === undefined ? now : wish;
  };
  /** A pair of which the first must not be above the second; what is written wins over what is not. */
  const pair = (
    section: string,
    low: string,
    high: string,
    now: readonly [number, number],
    wish: readonly [number?, number?],
  ) => {
    let least = choose(section, low, now[0], wish[0]);
    let most = choose(section, high, now[1], wish[1]);
    if (least > most) {
      if (valueAt(written, [section, high]) !== undefined) least = most;
      else most = least;
    }
    if (least !== now[0]) taken.push(`${section}.${low} ${least}`);
    if (most !== now[1]) taken.push(`${section}.${high} ${most}`);
    return [least, most] as const;
  };
  const { replicas, queue, deadline } = deployment;
  const [min, max] = pair(
    'replicas',
    'min',
    'max',
    [replicas.min, replicas.max],
    [defaults.replicas?.min, defaults.replicas?.max],
  );
  const [priorityDefault, priorityLevels] = pair(
    'queue',
    'priorityDefault',
    'priorityLevels',
    [queue.priorityDefault, queue.priorityLevels],
    [defaults.queue?.priorityDefault, defaults.queue?.priorityLevels],
  );
  const [defaultMs, maxMs] = pair(
    'deadline',
    'defaultMs',
    'maxMs',
    [deadline.defaultMs, deadline.maxMs],
    [defaults.deadline?.defaultMs, defaults.deadline?.maxMs],
  );
  const lengthMax = choose('queue', 'lengthMax', queue.lengthMax, defaults.queue?.lengthMax);
  if (lengthMax !== queue.lengthMax) taken.push(`queue.lengthMax ${lengthMax}`);
  return {
    deployment: {
      ...deployment,
      replicas: { ...replicas, min, max },
      queue: { ...queue, lengthMax, priorityDefault, priorityLevels },
      deadline: { ...deadline, defaultMs, maxMs },
    },
    taken,
  };
}
