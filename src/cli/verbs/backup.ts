/** `flyball backup`: a copy of the data directory as one consistent state, also while the platform runs on it. */
import { resolve } from 'node:path';
import { systemClock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import { backupDataDirectory } from '../../store/backup.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { progressOn } from '../progress.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const target = resolve(terminal.cwd, positionals[0] ?? '');
  const step = progressOn(terminal).begin(`copying ${dataDirectoryPath(invocation)}`);
  const report = await backupDataDirectory(dataDirectoryPath(invocation), target, systemClock.wall()).catch(
    (error: unknown) => {
      step.drop();
      if (error instanceof FlyballError && error.code === 'CONFLICT')
        throw new UsageError(error.message, 'name another folder, or empty that one');
      throw error;
    },
  );
  step.end('ok', `${report.versions} versions and ${report.artefacts} artefacts, each there by its digest`);
  await print(terminal, formatOf(values), {
    data: report,
    names: () => [report.path],
    table: () => `${report.path}\n`,
  });
  terminal.stderr.write(`     bring it back with: flyball restore ${positionals[0] ?? target} --data-dir NEW\n`);
  return exitCodes.done;
}
