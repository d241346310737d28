/** Names for the shells' completion: quick, and silent when anything at all is wrong. */
import { connect } from '../connect.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';

/** A completion that takes longer is felt. */
const completionMsMax = 150;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const signal = AbortSignal.any([invocation.signal, AbortSignal.timeout(completionMsMax)]);
  try {
    const client = connect(invocation);
    const names =
      invocation.positionals[0] === 'models'
        ? (await client.models(signal)).map((model) => model.name)
        : (await client.status(signal)).deployments.map((deployment) => deployment.name);
    for (const name of names) invocation.terminal.stdout.write(`${name}\n`);
  } catch {
    // Nothing to offer is an answer.
  }
  return exitCodes.done;
}
