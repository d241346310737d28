/** `flyball explain KEY`: what the schema itself says of a key. */
import { explain } from '../../config/explain.ts';
import { FlyballError } from '../../errors.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';

export async function run({ terminal, values, positionals }: Invocation): Promise<ExitCode> {
  const [key] = positionals;
  let text: string;
  try {
    text = explain(key);
  } catch (error) {
    if (!(error instanceof FlyballError)) throw error;
    throw new UsageError(error.message, 'flyball explain lists the keys at the top');
  }
  await print(terminal, formatOf(values), {
    data: { key: key ?? '', text },
    names: () => [key ?? ''],
    table: () => `${text}\n`,
  });
  return exitCodes.done;
}
