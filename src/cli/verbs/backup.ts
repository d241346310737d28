/** `flyball backup`: a copy of the data directory as one consistent state, also while the platform runs on it. */
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { backupDataDirectory } from '../../store/backup.ts';
import { showCopying } from '../copy.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, positionals } = invocation;
  const source = dataDirectoryPath(invocation);
  const target = resolve(terminal.cwd, positionals[0] ?? '');
  await showCopying(invocation, {
    doing: `copying ${source}`,
    copy: () => backupDataDirectory(source, target, systemClock.wall()),
    otherwise: 'name another folder, or empty that one',
  });
  terminal.stderr.write(`     bring it back with: flyball restore ${positionals[0] ?? target} --data-dir NEW\n`);
  return exitCodes.done;
}
