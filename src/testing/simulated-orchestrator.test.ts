import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clusters } from './conformance/orchestrator-cluster.ts';
import { declared } from './conformance/orchestrator-deviations.ts';
import { fleets } from './conformance/orchestrator-fleet.ts';
import { singleReplicas } from './conformance/orchestrator-replicas.ts';
import { orchestratorConformance, type OrchestratorEngine } from './conformance/orchestrator.ts';
import { simulatedWorld } from './simulated-orchestrator.ts';

async function engine(): Promise<OrchestratorEngine> {
  const directory = await mkdtemp(join(tmpdir(), 'fb-'));
  const world = simulatedWorld(directory, () => ({ readyAfterMs: 5 }));
  return {
    open: () => world.open(),
    alive: async () => world.replicas.size,
    left: () => readdir(directory),
    crash: (id) => world.kill(id, 'exit code 1'),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}

// Its replicas are no processes: they compute nothing, use nothing that could be limited, and say nothing at their end.
orchestratorConformance({ name: 'simulated', deviations: declared.simulated, engine }, [
  singleReplicas,
  fleets,
  clusters,
]);
