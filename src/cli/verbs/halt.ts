/** `flyball halt`: everything automatic stops, or goes on. It says what stays running, so that nobody has to guess. */
import { caller, connect } from '../connect.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [name] = positionals;
  const client = connect(invocation);
  const by = caller(terminal.env);
  const reason = stringOption(values, 'reason');
  const all = flag(values, 'all');
  const what = name === undefined ? 'flyball halt' : `flyball halt ${name}`;
  if (all && name !== undefined)
    throw new UsageError(`--all is of the whole platform, not of ${name}`, 'flyball halt --all, or flyball halt NAME');
  if (flag(values, 'release')) {
    if (all)
      throw new UsageError('--release and --all exclude each other', 'a release is always of all that was halted');
    if (reason === undefined)
      throw new UsageError('--release needs a reason', `${what} --release --reason "the incident is over"`);
    const governor = await client.release({ by, reason }, name, signal);
    await print(terminal, formatOf(values), {
      data: governor,
      names: () => [],
      table: () =>
        name === undefined
          ? 'released: targets change again, as each mode says\n'
          : `${name}: released: its target changes again, as its mode says\n`,
    });
    return exitCodes.done;
  }
  const request = { scope: all ? ('all' as const) : ('targets' as const), by, ...(reason !== undefined && { reason }) };
  const governor = await client.halt(request, name, signal);
  await print(terminal, formatOf(values), {
    data: governor,
    names: () => [],
    table: () =>
      name !== undefined
        ? `${name}: halted: its target does not change by itself; dead replicas are restored as before\n`
        : all
          ? 'halted: no target changes by itself, no dead replica is restored, nothing is woken; what runs goes on\n'
          : 'halted: no target changes by itself; dead replicas are restored and sleepers woken as before\n',
  });
  terminal.stderr.write(`     release it: ${what} --release --reason TEXT\n`);
  return exitCodes.done;
}
