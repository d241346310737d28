/**
 * `flyball down`: asks the platform to drain and end, and waits until it is gone, whether it was started in a terminal
 * or detached; with a name, only that deployment. Nothing running is what was wanted, so it is no error.
 * Invariant: what was not named is not stopped. A platform on another data directory that merely answers at the usual
 * port is left alone.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FlyballError } from '../../errors.ts';
import { finish } from '../apply.ts';
import { parseDurationMs } from '../arguments.ts';
import { caller, connect, defaultControlUrl } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { rememberedFleet } from '../fleet/remembered.ts';
import { progressOn } from '../progress.ts';
import { seconds } from '../../units.ts';

const pollMs = 100;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const timeoutMs = parseDurationMs(stringOption(values, 'timeout') ?? '2m', '--timeout');
  const [deployment] = positionals;
  if (deployment !== undefined) return await removeDeployment(invocation, connect(invocation), deployment, timeoutMs);
  const startedAt = performance.now();
  const own = dataDirectoryPath(invocation);
  if (invocation.values['orchestrator'] !== undefined || isOnFleet(invocation, own)) {
    const { downOnSwarm } = await import('../fleet/down.ts');
    return await downOnSwarm(invocation, own, timeoutMs);
  }
  const client = clientOrNobody(invocation);
  if (client === undefined) {
    // A gateway alone has no control here that could be asked.
    if (await endedWithoutControl(invocation, own, timeoutMs)) return exitCodes.done;
    terminal.stderr.write(`  nothing is running on ${own}\n`);
    return exitCodes.done;
  }
  const dataDirectory = await runningIn(client, signal);
  if (dataDirectory === undefined && (await endedWithoutControl(invocation, own, timeoutMs))) return exitCodes.done;
  if (dataDirectory === undefined) {
    terminal.stderr.write(`  nothing is running at ${client.url}\n`);
    return exitCodes.done;
  }
  // The usual port was only guessed: nobody said that the platform there is the one that is meant.
  const guessed = client.url === defaultControlUrl && !isNamed(invocation);
  if (guessed && dataDirectory !== '' && dataDirectory !== own) {
    terminal.stderr.write(
      `  nothing is running on ${own}\n` +
        `  ${client.url} is another platform, on ${dataDirectory}; to stop that: flyball down --data-dir ${dataDirectory}\n`,
    );
    return exitCodes.done;
  }
  await client.shutdown(caller(terminal.env), signal).catch((error: unknown) => {
    // It may have gone before it could answer; that is looked at next.
    if (!(error instanceof FlyballError) || error.code !== 'UNREACHABLE') throw error;
  });
  const { holderOf } = await import('../../store/data-directory.ts');
  const isLocal = dataDirectory === own || holderOf(dataDirectory) !== undefined;
  let told = false;
  for (;;) {
    const isGone = (await runningIn(client, signal)) === undefined;
    // The control API goes before the replicas and the supervisor do; the lock goes last.
    if (isGone && (!isLocal || holderOf(dataDirectory) === undefined)) break;
    const tookMs = performance.now() - startedAt;
    if (tookMs > timeoutMs)
      throw new FlyballError('TIMED_OUT', `the platform at ${client.url} was not gone after ${seconds(timeoutMs)}`);
    if (tookMs > 1000 && !told) {
      terminal.stderr.write('  draining: requests in flight are finished first\n');
      told = true;
    }
    await sleep(pollMs, undefined, { signal });
  }
  terminal.stderr.write(`  stopped  ${seconds(performance.now() - startedAt)}\n`);
  return exitCodes.done;
}

/**
 * A platform whose control answers nobody, since it stands by, is just being started again, or is on another machine: whoever holds the data
 * directory is told by a signal. False when nobody does.
 */
async function endedWithoutControl(invocation: Invocation, own: string, timeoutMs: number): Promise<boolean> {
  if (isNamed(invocation)) return false;
  const { holderOf } = await import('../../store/data-directory.ts');
  const pid = holderOf(own)?.announcement?.pid;
  if (pid === undefined) return false;
  const startedAt = performance.now();
  process.kill(pid, 'SIGTERM');
  while (holderOf(own) !== undefined) {
    if (performance.now() - startedAt > timeoutMs)
      throw new FlyballError('TIMED_OUT', `process ${pid} on ${own} was not gone after ${timeoutMs} ms`);
    await sleep(pollMs, undefined, { signal: invocation.signal });
  }
  invocation.terminal.stderr.write(`  stopped  ${seconds(performance.now() - startedAt)}\n`);
  return true;
}

/** The platform of this data directory is on a Swarm, and no other was named. */
function isOnFleet(invocation: Invocation, own: string): boolean {
  return !isNamed(invocation) && rememberedFleet(own) !== undefined;
}

/** Undefined when the data directory that was named has nobody on it. */
function clientOrNobody(invocation: Invocation): ControlClient | undefined {
  try {
    return connect(invocation);
  } catch (error) {
    if (error instanceof FlyballError && error.code === 'UNREACHABLE') return undefined;
    throw error;
  }
}

function isNamed({ values, terminal }: Invocation): boolean {
  return stringOption(values, 'url') !== undefined || (terminal.env['FLYBALL_URL'] ?? '') !== '';
}

async function removeDeployment(
  { terminal, signal }: Invocation,
  client: ControlClient,
  name: string,
  timeoutMs: number,
): Promise<ExitCode> {
  const started = await client.removeDeployment(name, caller(terminal.env), signal);
  await finish(client, started, { wait: true, timeoutMs }, progressOn(terminal), signal);
  terminal.stderr.write(`  ${name} is stopped and removed; its model stays: flyball models\n`);
  return exitCodes.done;
}

/** The data directory of what answers there, or undefined when nobody does. */
async function runningIn(client: ControlClient, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.status(signal)).dataDirectory;
  } catch (error) {
    if (error instanceof FlyballError && error.code === 'UNREACHABLE') return undefined;
    if (error instanceof FlyballError && error.retry) return '';
    throw error;
  }
}
