/**
 * A supervisor that keeps one role of the platform alive on this machine, from its start to its end: `flyball control` and
 * `flyball gateway`. What is served comes over the control API and the coupling, so nothing is deployed here.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../clock.ts';
import type { LoadedSpecification } from '../config/load.ts';
import type { DoorNews } from '../gateway/door-news.ts';
import type { Role } from '../supervisor/roles.ts';
import { startSupervisor, type Supervisor } from '../supervisor/supervisor.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import { flag, stringOption, type Invocation } from './declaration.ts';
import type { ExitCode } from './exit-codes.ts';
import { progressOn } from './progress.ts';
import { exitCodeOfEnd, onHangup, withFolder } from './supervised.ts';

export async function runRole(invocation: Invocation, loaded: LoadedSpecification, role: Role): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const progress = progressOn(terminal);
  const dataDirectory = dataDirectoryPath(invocation);
  const { specification } = loaded;
  if (Object.keys({ ...specification.models, ...specification.deployments }).length > 0) {
    progress.note('models and deployments of the specification are left out here: flyball deploy brings them');
  }
  const starting = progress.begin(`starting ${role.kind}`);
  let supervisor: Supervisor;
  try {
    supervisor = await startSupervisor({
      role,
      dataDirectory,
      specification: withFolder(loaded),
      insecure: flag(values, 'insecure'),
      portFallback: false,
      logLevel: stringOption(values, 'log-level') ?? 'info',
      ...(flag(values, 'verbose') ? { onLog: (chunk) => terminal.stderr.write(chunk.toString()) } : {}),
      onStandby: (why) => progress.note(`control stands by: ${why}`),
      onDoors: (news) => progress.note(doorsInWords(news)),
      clock: systemClock,
    });
  } catch (error) {
    starting.drop();
    throw error;
  }
  await using _supervisor = supervisor;
  using _reload = onHangup(terminal, supervisor, specification);
  // Tasks of a cluster outlive the control that ordered them: this one is moved or renewed, and the next adopts them.
  const staysBehind = role.kind === 'control' && specification.orchestrator.kind === 'swarm';
  const unsubscribe = endOnInterrupt(invocation, supervisor, staysBehind);
  // One that cannot start ends everything, and `closed` says why.
  const isReady = await Promise.race([supervisor.ready.then(() => true).catch(() => false), supervisor.closed]);
  if (isReady === true) {
    starting.end('ok', `${role.kind} answers, data in ${dataDirectory}`);
    const addresses = Object.entries(supervisor.listeners).map(([name, { url }]) => `${name} ${url}`);
    progress.note(addresses.join('  '));
    if (role.kind === 'control' && specification.auth.keys === 'required' && role.adminKey === undefined) {
      const path = join(dataDirectory, 'admin.key');
      if (existsSync(path)) progress.note(`callers need a key; the first is in ${path}`);
    }
  } else starting.drop();
  const end = await supervisor.closed;
  unsubscribe();
  terminal.stderr.write(`  stopped: ${end.reason}\n`);
  return exitCodeOfEnd(end);
}

function doorsInWords(news: DoorNews): string {
  if (news.kind === 'reached') return `control answers at ${news.url}`;
  return `no door leads to control, so it serves with what it knew last and goes on trying: ${news.why}`;
}

/** The first drains, the second stops at once. */
function endOnInterrupt({ terminal }: Invocation, supervisor: Supervisor, staysBehind: boolean): () => void {
  let count = 0;
  return terminal.onInterrupt((interrupt) => {
    count += 1;
    if (count === 1) {
      const what = staysBehind ? 'ending; replicas stay' : 'draining; Ctrl-C again to stop at once';
      terminal.stderr.write(`\n  ${what}\n`);
      void (staysBehind ? supervisor.leave(interrupt) : supervisor.drain(interrupt));
    } else if (count === 2) {
      terminal.stderr.write('  stopping at once\n');
      void supervisor.abort(interrupt);
    }
  });
}
