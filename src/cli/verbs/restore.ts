/** `flyball restore`: a backup into an empty or missing data directory. It starts nothing and overwrites nothing. */
import { resolve } from 'node:path';
import { restoreDataDirectory } from '../../store/backup.ts';
import { showCopying } from '../copy.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const given = stringOption(values, 'data-dir');
  // No default: the usual one is most likely the one that is in use.
  if (given === undefined)
    throw new UsageError('restore expects --data-dir NEW', 'name a folder that is empty or not there yet');
  const source = resolve(terminal.cwd, positionals[0] ?? '');
  await showCopying(invocation, {
    doing: `restoring ${source}`,
    copy: () => restoreDataDirectory(source, resolve(terminal.cwd, given)),
    otherwise: 'name another folder with --data-dir, or empty that one',
  });
  terminal.stderr.write(`     serve it with: flyball up --data-dir ${given}\n`);
  return exitCodes.done;
}
