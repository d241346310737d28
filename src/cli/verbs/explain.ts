/** `flyball explain KEY`: what the schema itself says of a key. */
import { explain, keyFacts, type KeyFacts } from '../../config/explain.ts';
import { FlyballError } from '../../errors.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { columnsOf, definitions, wrap } from '../wrap.ts';

export async function run({ terminal, values, positionals }: Invocation): Promise<ExitCode> {
  const [key] = positionals;
  let text: string;
  let facts: KeyFacts;
  try {
    text = explain(key);
    facts = keyFacts(key);
  } catch (error) {
    if (!(error instanceof FlyballError)) throw error;
    throw new UsageError(error.message, 'flyball explain lists the keys at the top');
  }
  await print(terminal, formatOf(values), {
    data: facts,
    names: () => (facts.keys.length === 0 ? [facts.key] : facts.keys.map((below) => below.key)),
    table: () => `${flowing(text, columnsOf(terminal.stdout))}\n`,
  });
  return exitCodes.done;
}

/** The text as it came, its table of keys and its sentences flowing into the terminal. */
function flowing(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => {
      const row = /^ {2}(\S+ *) {2}(.+)$/.exec(line);
      return row === null ? wrap(line, columns, 2) : definitions([[row[1] ?? '', row[2] ?? '']], columns).join('\n');
    })
    .join('\n');
}
