/** `flyball halt`: everything automatic stops, or goes on. It says what stays running, so that nobody has to guess. */
import { caller, connect } from '../connect.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const client = connect(invocation);
  const by = caller(terminal.env);
  const reason = stringOption(values, 'reason');
  const all = flag(values, 'all');
  if (flag(values, 'release')) {
    if (all) throw new UsageError('--release and --all exclude each other', 'a release is always of everything');
    if (reason === undefined)
      throw new UsageError('--release needs a reason', 'flyball halt --release --reason "the incident is over"');
    const governor = await client.release({ by, reason }, signal);
    await print(terminal, formatOf(values), {
      data: governor,
      names: () => [],
      table: () => 'released: targets change again, as each mode says\n',
    });
    return exitCodes.done;
  }
  const request = { scope: all ? ('all' as const) : ('targets' as const), by, ...(reason !== undefined && { reason }) };
  const governor = await client.halt(request, signal);
  await print(terminal, formatOf(values), {
    data: governor,
    names: () => [],
    table: () =>
      all
        ? 'halted: no target changes by itself, no dead replica is restored, nothing is woken; what runs goes on\n'
        : 'halted: no target changes by itself; dead replicas are restored and sleepers woken as before\n',
  });
  terminal.stderr.write('     release it: flyball halt --release --reason TEXT\n');
  return exitCodes.done;
}
