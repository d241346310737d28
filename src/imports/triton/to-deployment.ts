/** What a config.pbtxt says of batches, queue, deadlines and instances, as batching and defaults of a deployment. Pure. */
import type { DeploymentDefaults } from '../../config/model-file.ts';
import type { ModelFileInput } from '../../registry/registry.ts';
import type { ModelConfig, QueuePolicyConfig } from './read-config.ts';
import { limits, type Remarks } from './remarks.ts';

const deadlineMsMax = 2 ** 31 - 1;

export function batchingOf(
  { max_batch_size: most, dynamic_batching: dynamic }: ModelConfig,
  { note, problem }: Remarks,
): ModelFileInput['batching'] {
  if (most !== undefined && most < 0) problem('max_batch_size', `expected 0 or more, got ${most}`);
  // Without a size Triton finds one by itself, and so does a deployment.
  if (most === undefined && dynamic === undefined) return undefined;
  // No batch dimension, or one that only a caller's own rows fill: requests are not put together.
  const size = most !== undefined && (most === 0 || dynamic === undefined) ? 1 : most;
  if (size !== undefined && size > limits.batch)
    note('max_batch_size', `batches have at most ${limits.batch} rows here`);
  const sizes = dynamic?.preferred_batch_size ?? [];
  if (most !== undefined && most > 0 && sizes.some((preferred) => preferred < 1 || preferred > most))
    problem(
      'dynamic_batching.preferred_batch_size',
      `expected sizes of 1 to max_batch_size, ${most}, got ${sizes.join(', ')}`,
    );
  if (most === 0 && dynamic !== undefined) note('dynamic_batching', 'has no effect: max_batch_size is 0');
  else if (sizes.length > 0)
    note(
      'dynamic_batching.preferred_batch_size',
      `batches are not held to ${sizes.join(', ')}: what waits goes together, up to max_batch_size; warm-up measures these sizes`,
    );
  const delayMs = (dynamic?.max_queue_delay_microseconds ?? 0) / 1000;
  if (delayMs > limits.delayMs)
    note(
      'dynamic_batching.max_queue_delay_microseconds',
      `a batch waits ${limits.delayMs} ms at most here, not ${delayMs} ms`,
    );
  if (dynamic?.preserve_ordering === true)
    note(
      'dynamic_batching.preserve_ordering',
      'each answer goes out when it is there, on the request that it belongs to',
    );
  return {
    ...(size !== undefined && { sizeMax: Math.min(size, limits.batch) }),
    ...(delayMs > 0 && { delayMs: Math.min(delayMs, limits.delayMs) }),
  };
}

export function deploymentOf(config: ModelConfig, remarks: Remarks): DeploymentDefaults {
  const { note, problem } = remarks;
  const dynamic = config.dynamic_batching;
  const policy = dynamic?.default_queue_policy ?? {};
  const queue: { lengthMax?: number; priorityLevels?: number; priorityDefault?: number } = {};
  const size = policy.max_queue_size ?? 0;
  if (size > limits.queue)
    note('dynamic_batching.default_queue_policy.max_queue_size', `a queue holds ${limits.queue} requests at most here`);
  if (size > 0) queue.lengthMax = Math.min(size, limits.queue);
  const levels = dynamic?.priority_levels ?? 0;
  const level = dynamic?.default_priority_level ?? 0;
  if (levels > limits.priorities)
    note(
      'dynamic_batching.priority_levels',
      `there are ${limits.priorities} levels at most here; lower ones share the last`,
    );
  if (levels > 0 && (level < 1 || level > levels))
    problem('dynamic_batching.default_priority_level', `expected 1 to priority_levels, ${levels}, got ${level}`);
  if (levels > 0) {
    queue.priorityLevels = Math.min(levels, limits.priorities);
    queue.priorityDefault = Math.min(Math.max(level, 1), limits.priorities);
  }
  const deadline = deadlineOf(policy, remarks);
  const replicas = replicasOf(config, remarks);
  return {
    ...(replicas !== undefined && { replicas: { min: replicas, max: replicas } }),
    ...(Object.keys(queue).length > 0 && { queue }),
    ...(deadline !== undefined && { deadline }),
  };
}

/** Triton's timeout is one of the queue; here a deadline is one of the answer, so the queue can only be left earlier. */
function deadlineOf(policy: QueuePolicyConfig, { note }: Remarks): DeploymentDefaults['deadline'] {
  const at = 'dynamic_batching.default_queue_policy';
  const microseconds = policy.default_timeout_microseconds ?? 0;
  if (policy.timeout_action === 'DELAY') {
    note(
      `${at}.timeout_action`,
      'nothing is answered late here: what misses its deadline is refused with 504. default_timeout_microseconds is left out, so that only deadlines of the callers count',
    );
    return undefined;
  }
  if (microseconds === 0) return undefined;
  const defaultMs = Math.min(Math.max(1, Math.ceil(microseconds / 1000)), deadlineMsMax);
  if (policy.allow_timeout_override !== true)
    note(
      `${at}.default_timeout_microseconds`,
      "a request's own timeout counts too where it is shorter, although allow_timeout_override is not set",
    );
  return { defaultMs, maxMs: defaultMs };
}

function replicasOf({ instance_group: groups = [] }: ModelConfig, { note, problem }: Remarks): number | undefined {
  let count = 0;
  for (const [index, group] of groups.entries()) {
    const at = `instance_group[${index}]`;
    const own = group.count ?? 0;
    if (own < 0) problem(`${at}.count`, `expected 0 or more, got ${own}`);
    if (group.kind === 'KIND_GPU' || group.kind === 'KIND_MODEL') note(`${at}.kind`, 'replicas run on the CPU');
    if (group.passive === true)
      note(`${at}.passive`, 'its instances are left out: a replica that gets no requests is none');
    else count += Math.max(own, 1);
  }
  if (count > limits.replicas)
    note('instance_group', `a deployment has ${limits.replicas} replicas at most here, not ${count}`);
  return count === 0 ? undefined : Math.min(count, limits.replicas);
}
