/** `flyball mode`: who may change a deployment's target. More than advice needs a reason: it is asked for before anything is sent. */
import type { ModeView } from '../../api/schemas.ts';
import { nearest } from '../../config/nearest.ts';
import { FlyballError } from '../../errors.ts';
import { caller, connect } from '../connect.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';

const modes = ['advise', 'approve', 'auto'] as const;
const meaning: Readonly<Record<ModeView['mode'], string>> = {
  advise: 'it says what it would do, and does nothing',
  approve: 'it asks before it changes anything',
  auto: 'it changes the target by itself, within the bounds',
};

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [name = '', wanted] = positionals;
  const client = connect(invocation);
  let view: ModeView;
  if (wanted === undefined) {
    const { governor } = await client.deployment(name, signal);
    if (governor === undefined) throw new FlyballError('PROTOCOL', 'this server knows no modes; is it an older one?');
    view = { deployment: name, mode: governor.mode, by: governor.modeBy, reason: governor.modeReason };
  } else {
    const mode = modes.find((each) => each === wanted);
    if (mode === undefined) {
      const [near] = nearest(wanted, modes);
      const hint = near === undefined ? 'expected advise, approve or auto' : `did you mean ${near}?`;
      throw new UsageError(`${wanted} is not a mode`, hint);
    }
    const reason = stringOption(values, 'reason');
    const rehearsal = stringOption(values, 'rehearsal');
    if (mode !== 'advise' && reason === undefined && rehearsal === undefined) {
      const hint = `flyball mode ${name} ${mode} --reason "what makes you trust it", or --rehearsal ID`;
      throw new UsageError(`the mode ${mode} needs a reason or a rehearsal`, hint);
    }
    const given = { ...(reason !== undefined && { reason }), ...(rehearsal !== undefined && { rehearsal }) };
    view = await client.setMode(name, { mode, by: caller(terminal.env), ...given }, signal);
  }
  await print(terminal, formatOf(values), {
    data: view,
    names: () => [view.mode],
    table: () => `${name}: ${view.mode}: ${meaning[view.mode]} (by ${view.by}: ${view.reason})\n`,
  });
  return exitCodes.done;
}
