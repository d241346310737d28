/** Waits for what control has begun, as TorchServe's clients expect: an answer comes when it is done. */
import { setTimeout } from 'node:timers/promises';
import type { ControlService } from '../../control/control-service.ts';
import { catalogue, FlyballError, type ErrorCode } from '../../errors.ts';
import { versionLabel } from '../../imports/torchserve/manifest.ts';
import type { ModelView, OperationView, VersionView } from '../schemas.ts';

const waitMs = 10_000;
const retryMs = 200;
const inUseMsMax = 60_000;

/** Returns when the operation has succeeded; throws what it failed with, or CANCELLED. */
export async function settled(
  control: Pick<ControlService, 'operation'>,
  started: OperationView,
  signal: AbortSignal,
): Promise<void> {
  let operation = started;
  while (operation.state === 'running') {
    operation = await control.operation(operation.id, operation.steps.length, waitMs, signal);
    if (signal.aborted) throw new FlyballError('CANCELLED', 'the caller hung up; the operation goes on');
  }
  if (operation.state === 'succeeded') return;
  const { code = 'INTERNAL', detail = 'the operation failed' } = operation.error ?? {};
  throw new FlyballError(Object.hasOwn(catalogue, code) ? (code as ErrorCode) : 'INTERNAL', detail);
}

type Removal = Pick<ControlService, 'model' | 'removeModel' | 'removeVersion'>;

async function removeVersions(
  control: Removal,
  model: ModelView,
  versions: readonly VersionView[],
  by: string,
): Promise<void> {
  // What came another way belongs to whoever brought it; only the deployment goes then.
  const own = versions.filter(({ labels }) => labels[versionLabel] !== undefined);
  if (own.length === model.versions.length) await control.removeModel(model.name, by);
  else for (const { version } of own) await control.removeVersion(model.name, version, by);
}

/** Replicas that drain, or wait whether an update holds, use a version for some seconds still. */
export async function removeWhenUnused(
  control: Removal,
  name: string,
  versions: readonly VersionView[],
  by: string,
  signal: AbortSignal,
): Promise<void> {
  for (let waitedMs = 0; ; waitedMs += retryMs) {
    try {
      await removeVersions(control, await control.model(name), versions, by);
      return;
    } catch (error) {
      const inUse = error instanceof FlyballError && error.code === 'CONFLICT' && /the replica /.test(error.message);
      if (!inUse || waitedMs >= inUseMsMax) throw error;
      await setTimeout(retryMs, undefined, { signal });
    }
  }
}
