/** Makes a specification so: upload what is missing, apply it, follow the operation. What `deploy SPEC` and `up` share. */
import type { OperationStep, OperationView } from '../api/schemas.ts';
import { FlyballError } from '../errors.ts';
import type { ControlClient } from './control-client.ts';
import { followOperation, operationError } from './follow-operation.ts';
import { resolveAgainst, uploadMissing, type Prepared } from './prepare.ts';
import type { Progress } from './progress.ts';

export interface ApplyOptions {
  readonly by: string;
  readonly timeoutMs: number;
  readonly wait: boolean;
  /** Of the plan that a person has seen; PLAN_OUTDATED when it is no longer that. */
  readonly fingerprint?: string | undefined;
}

export async function applySpecification(
  client: ControlClient,
  prepared: Prepared,
  options: ApplyOptions,
  progress: Progress,
  signal: AbortSignal,
): Promise<OperationView> {
  const against = await resolveAgainst(client, prepared, signal);
  const { resolved } = against;
  let plan = await client.plan(resolved, signal);
  if (options.fingerprint !== undefined && plan.fingerprint !== options.fingerprint)
    throw new FlyballError(
      'PLAN_OUTDATED',
      `what runs or what is specified has changed: planned ${options.fingerprint}, now ${plan.fingerprint}`,
    );
  await uploadMissing(client, prepared, against, options.by, progress, signal);
  // Uploading adds versions, which are part of what was compared; from here on nobody else may change anything.
  plan = await client.plan(resolved, signal);
  for (const override of plan.overridesDropped)
    progress.note(`drops the override ${override.path} = ${JSON.stringify(override.value)} by ${override.owner}`);
  const started = await client.apply({ resolved, fingerprint: plan.fingerprint, by: options.by }, signal);
  return await finish(client, started, options, progress, signal);
}

/** Follows an operation to its end and throws what it failed with; returns at once with `wait: false`. */
export async function finish(
  client: ControlClient,
  started: OperationView,
  { wait, timeoutMs }: Pick<ApplyOptions, 'wait' | 'timeoutMs'>,
  progress: Progress,
  signal: AbortSignal,
): Promise<OperationView> {
  if (!wait) return started;
  const following = {
    timeoutMs,
    onStep: (step: OperationStep): void => progress.step(step),
    onSlow: (step: OperationStep): void => progress.running(step.text),
  };
  const ended = await followOperation(client, started, following, signal);
  if (ended.state === 'failed') throw operationError(ended);
  return ended;
}
