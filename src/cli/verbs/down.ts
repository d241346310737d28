/**
 * `flyball down`: asks the platform to drain and end, and waits until it is gone, whether it was started in a terminal
 * or detached. Nothing running is what was wanted, so it is no error.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { FlyballError } from '../../errors.ts';
import { parseDurationMs } from '../arguments.ts';
import { caller, connect } from '../connect.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { seconds } from '../units.ts';

const pollMs = 100;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const timeoutMs = parseDurationMs(stringOption(values, 'timeout') ?? '2m', '--timeout');
  const startedAt = performance.now();
  const client = connect(invocation);
  const dataDirectory = await runningIn(client, signal);
  if (dataDirectory === undefined) {
    terminal.stderr.write(`  nothing is running at ${client.url}\n`);
    return exitCodes.done;
  }
  await client.shutdown(caller(terminal.env), signal).catch((error: unknown) => {
    // It may have gone before it could answer; that is looked at next.
    if (!(error instanceof FlyballError) || error.code !== 'UNREACHABLE') throw error;
  });
  const { holderOf } = await import('../../store/data-directory.ts');
  const isLocal = dataDirectory === dataDirectoryPath(invocation) || holderOf(dataDirectory) !== undefined;
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

/** The data directory of what answers there, or undefined when nobody does. */
async function runningIn(client: ReturnType<typeof connect>, signal: AbortSignal): Promise<string | undefined> {
  try {
    return (await client.status(signal)).dataDirectory;
  } catch (error) {
    if (error instanceof FlyballError && error.code === 'UNREACHABLE') return undefined;
    if (error instanceof FlyballError && error.retry) return '';
    throw error;
  }
}
