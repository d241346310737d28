import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { orchestratorConformance } from './conformance/orchestrator.ts';
import { simulatedWorld } from './simulated-orchestrator.ts';

orchestratorConformance('simulated', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'fb-'));
  const world = simulatedWorld(directory, () => ({ readyAfterMs: 5 }));
  return {
    open: () => world.open(),
    crash: (id) => world.kill(id, 'exit code 1'),
    async [Symbol.asyncDispose]() {
      await world[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
});
