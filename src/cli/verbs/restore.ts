/** `flyball restore`: a backup into an empty or missing data directory. It starts nothing and overwrites nothing. */
import { resolve } from 'node:path';
import { FlyballError } from '../../errors.ts';
import { restoreDataDirectory } from '../../store/backup.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { progressOn } from '../progress.ts';

export async function run({ terminal, values, positionals }: Invocation): Promise<ExitCode> {
  const given = stringOption(values, 'data-dir');
  // No default: the usual one is most likely the one that is in use.
  if (given === undefined)
    throw new UsageError('restore expects --data-dir NEW', 'name a folder that is empty or not there yet');
  const source = resolve(terminal.cwd, positionals[0] ?? '');
  const step = progressOn(terminal).begin(`restoring ${source}`);
  const report = await restoreDataDirectory(source, resolve(terminal.cwd, given)).catch((error: unknown) => {
    step.drop();
    if (error instanceof FlyballError && error.code === 'CONFLICT')
      throw new UsageError(error.message, 'name another folder with --data-dir, or empty that one');
    throw error;
  });
  step.end('ok', `${report.versions} versions and ${report.artefacts} artefacts, each there by its digest`);
  await print(terminal, formatOf(values), {
    data: report,
    names: () => [report.path],
    table: () => `${report.path}\n`,
  });
  terminal.stderr.write(`     serve it with: flyball up --data-dir ${given}\n`);
  return exitCodes.done;
}
