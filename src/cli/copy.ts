/** The copying of a data directory, as `backup` and `restore` show it: one step while it lasts, and what came of it. */
import { FlyballError } from '../errors.ts';
import type { BackupReport } from '../store/backup.ts';
import { UsageError } from './exit-codes.ts';
import { formatOf, print } from './output.ts';
import { progressOn } from './progress.ts';
import type { Invocation } from './declaration.ts';

export interface Copying {
  /** What the step is called. */
  readonly doing: string;
  readonly copy: () => Promise<BackupReport>;
  /** What to do where the target is taken. */
  readonly otherwise: string;
}

export async function showCopying(
  { terminal, values }: Pick<Invocation, 'terminal' | 'values'>,
  { doing, copy, otherwise }: Copying,
): Promise<void> {
  const step = progressOn(terminal).begin(doing);
  const report = await copy().catch((error: unknown) => {
    step.drop();
    if (error instanceof FlyballError && error.code === 'CONFLICT') throw new UsageError(error.message, otherwise);
    throw error;
  });
  step.end('ok', `${report.versions} versions and ${report.artefacts} artefacts, each there by its digest`);
  await print(terminal, formatOf(values), {
    data: report,
    names: () => [report.path],
    table: () => `${report.path}\n`,
  });
}
