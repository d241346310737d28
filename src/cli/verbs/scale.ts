/**
 * `flyball scale NAME N`, and `flyball deploy NAME --replicas N`: sets how many replicas a deployment has, tells each
 * step with its time, and ends when it is so. It changes no bounds: beyond them the server refuses and says them.
 */
import { finish } from '../apply.ts';
import { parseCount, parseDurationMs } from '../arguments.ts';
import { caller, connect } from '../connect.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { progressOn } from '../progress.ts';

const replicasMax = 1000;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const [name = '', replicas] = invocation.positionals;
  return await scale(invocation, name, parseCount(replicas ?? '', 'REPLICAS', 0, replicasMax));
}

export async function scale(invocation: Invocation, name: string, replicas: number): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const client = connect(invocation);
  const timeoutMs = parseDurationMs(stringOption(values, 'timeout') ?? '5m', '--timeout');
  const started = await client.scale(name, { replicas, by: caller(terminal.env) }, signal);
  const following = { wait: !flag(values, 'no-wait'), timeoutMs };
  const operation = await finish(client, started, following, progressOn(terminal), signal);
  const deployment = await client.deployment(name, signal);
  const { state, counts, desired } = deployment;
  await print(terminal, formatOf(values), {
    data: { operation, deployment },
    items: [deployment],
    names: () => [name],
    table: () => ` ok  ${name}   ${counts.ready} of ${desired} replicas ready, ${state}\n`,
  });
  if (operation.state === 'running')
    terminal.stderr.write(`     operation ${operation.id} goes on; watch it: flyball status -w\n`);
  return exitCodes.done;
}
