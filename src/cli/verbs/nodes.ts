/** `flyball nodes`: the machines that replicas run on, with their room and what runs where. It asks and prints. */
import { connect } from '../connect.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { nodesText } from '../nodes-text.ts';
import { formatOf, print } from '../output.ts';
import { statusStyle } from '../terminal.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const nodes = await connect(invocation).nodes(signal);
  await print(terminal, formatOf(values), {
    data: nodes,
    items: nodes,
    names: () => nodes.map(({ name }) => name),
    table: () => nodesText(nodes, statusStyle(terminal)),
  });
  return exitCodes.done;
}
