/** `flyball why`: the whole decision as a person reads it. It asks and prints; the words are the governor's. */
import { connect } from '../connect.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { parseMoment } from '../moment.ts';
import { formatOf, print } from '../output.ts';
import { statusStyle } from '../terminal.ts';
import { whyText } from '../why-text.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [name = ''] = positionals;
  const at = stringOption(values, 'at');
  const moment = at === undefined ? undefined : parseMoment(at, '--at', Date.now());
  const why = await connect(invocation).why(name, moment, signal);
  await print(terminal, formatOf(values), {
    data: why,
    names: () => [name],
    table: () => whyText(why, statusStyle(terminal)),
  });
  return exitCodes.done;
}
