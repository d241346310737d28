/** A runner in this process with a simulated model of two columns, for tests of those who call it. */
import assert from 'node:assert/strict';
import type { Clock } from '../clock.ts';
import { loadSimulated } from '../drivers/runtimes/simulated.ts';
import { runnerLaunch, type RunnerLaunch } from '../runner/launch.ts';
import { startRunner, type Runner } from '../runner/runner.ts';

const tensors = (name: string) => [{ name, datatype: 'FP32' as const, shape: [-1, 2] }];

export function startSimulatedReplica(
  listen: RunnerLaunch['listen'],
  { clock, serviceMs = 0 }: { readonly clock: Clock; readonly serviceMs?: number },
): Promise<Runner> {
  const launch = runnerLaunch.parse({
    replica: 'a',
    model: 'm',
    version: '1',
    digest: 'sha256:0',
    runtime: {
      kind: 'simulated',
      signature: { inputs: tensors('x'), outputs: tensors('y'), batchable: true },
      serviceMs,
      serviceMsPerRow: 0,
    },
    warmUp: { batchSizes: [1], budgetMs: 1, samples: [] },
    listen,
  });
  return startRunner(launch, {
    clock,
    loadModel(runtime, signal) {
      assert.ok(runtime.kind === 'simulated');
      return loadSimulated(runtime, signal);
    },
  });
}
