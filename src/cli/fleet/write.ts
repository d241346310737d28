/** `flyball up --orchestrator swarm --write DIR`: the same services as a file for `docker stack deploy`, and what it names. */
import { writeFileSync } from 'node:fs';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import { writePrivateFile } from '../../auth/key-table.ts';
import { systemClock } from '../../clock.ts';
import { composeFile } from '../../drivers/orchestrators/swarm/stack/compose.ts';
import { stackFiles } from '../../drivers/orchestrators/swarm/stack/files.ts';
import type { StackFile } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { stackServices } from '../../drivers/orchestrators/swarm/stack/services.ts';
import { directoryError } from '../../store/directory-failure.ts';
import { makeDirectory } from '../../store/make-directory.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { Terminal } from '../terminal.ts';
import { stackMaterial } from './material.ts';
import type { OpenedFleet } from './order.ts';
import { rememberFleet } from './remembered.ts';
import { addressesOf } from './text.ts';

export async function writeStack(fleet: OpenedFleet, given: string, terminal: Terminal): Promise<ExitCode> {
  const { order, nodes, authority, dataDirectory } = fleet;
  const { specification, image } = order;
  const { name, orchestrator } = specification;
  const folder = resolve(terminal.cwd, given);
  const material = await stackMaterial(specification, dataDirectory, authority, {
    hasIdentity: false,
    at: systemClock.wall(),
  });
  const files = stackFiles(specification, material);
  // The tool gives them their ids.
  const services = stackServices(
    order,
    files.map(({ kind, name: file, target, roles }) => ({ kind, name: file, target, roles, id: '' })),
  );
  try {
    makeDirectory(folder);
    for (const file of files) {
      const place = placeOf(file);
      if (!isAbsolute(place)) await writePrivateFile(join(folder, place), file.content);
    }
    const head = `# Of \`flyball up --orchestrator swarm --write\`. The files beside it are secrets: keep them as such, or remove them once it runs.\n#   docker stack deploy --compose-file stack.yaml ${name}\n`;
    writeFileSync(join(folder, 'stack.yaml'), head + stringify(composeFile(services, files, placeOf)));
  } catch (error) {
    throw directoryError(folder, error);
  }
  rememberFleet(dataDirectory, {
    orchestrator: 'swarm',
    name,
    socket: orchestrator.socket,
    image,
    ...addressesOf(order, nodes),
  });
  terminal.stdout.write(
    `docker -H unix://${orchestrator.socket} stack deploy --compose-file ${join(given, 'stack.yaml')} ${name}\n`,
  );
  terminal.stderr.write(
    `  written to ${folder}; nothing is on the Swarm yet. The line above puts it there; then: flyball deploy SPEC\n`,
  );
  return exitCodes.done;
}

/** What the specification names stays where it is; the rest is written beside stack.yaml. */
function placeOf({ kind, target, roles }: Pick<StackFile, 'kind' | 'target' | 'roles'>): string {
  if (kind === 'config') return `${roles[0]}.yaml`;
  return isAbsolute(target) ? target : basename(target);
}
