/**
 * `flyball down` of a platform on a Swarm: its services go, callers first, with all that they were given. Volumes stay on
 * their nodes. It works without control, which may be gone.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { openDocker } from '../../drivers/orchestrators/swarm/docker.ts';
import { lookAtManager } from '../../drivers/orchestrators/swarm/stack/manager.ts';
import { dataVolume, gatewayVolume } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { removeStack } from '../../drivers/orchestrators/swarm/stack/remove.ts';
import { seconds } from '../../units.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { defaultSpecification, loadFrom } from '../prepare.ts';
import { forgetFleet, rememberedFleet } from './remembered.ts';

export async function downOnSwarm(invocation: Invocation, dataDirectory: string, timeoutMs: number): Promise<ExitCode> {
  const { terminal, signal } = invocation;
  const startedAt = performance.now();
  const fleet = rememberedFleet(dataDirectory);
  const { name, socket } = fleet ?? (await named(invocation));
  await lookAtManager(socket);
  await using engine = openDocker({ kind: 'unix', path: socket });
  const onStep = (what: string): void => {
    terminal.stderr.write(`  taking off ${what}\n`);
  };
  const removal = { engine, clock: systemClock, platform: name, timeoutMs, onStep };
  const removed = await removeStack(removal, signal);
  if (fleet !== undefined) forgetFleet(dataDirectory);
  if (removed.length === 0) {
    terminal.stderr.write(`  ${name} is not on the Swarm at ${socket}\n`);
    return exitCodes.done;
  }
  const volumes = [dataVolume(name), gatewayVolume(name), `${name}-artefacts`];
  terminal.stderr.write(
    `  stopped  ${seconds(performance.now() - startedAt)}: ${removed.length} services, their secrets and configs are gone\n` +
      `  volumes stay on their nodes, for the next \`flyball up\`; to remove them, on each: docker volume rm ${volumes.join(' ')}\n`,
  );
  return exitCodes.done;
}

/** As the specification in this folder names it, or as one that says nothing would. */
async function named({ terminal }: Invocation): Promise<{ readonly name: string; readonly socket: string }> {
  if (!existsSync(resolve(terminal.cwd, defaultSpecification)))
    return { name: 'flyball', socket: '/var/run/docker.sock' };
  const { specification } = await loadFrom(undefined, terminal);
  return { name: specification.name, socket: specification.orchestrator.socket };
}
