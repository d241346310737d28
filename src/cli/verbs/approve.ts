/** `flyball approve` and `flyball reject`: what the governor has asked for. Without an id: what waits. */
import type { ApprovalView } from '../../api/schemas.ts';
import { caller, connect } from '../connect.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import { statusStyle } from '../terminal.ts';
import { age } from '../../units.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, positionals, signal } = invocation;
  const client = connect(invocation);
  const [id] = positionals;
  if (id === undefined) return list(invocation, (await client.governor(signal)).approvals);
  const approval = await client.approve(id, caller(terminal.env), signal);
  return tell(invocation, approval, 'is on its way');
}

export async function reject(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [id = ''] = positionals;
  const reason = stringOption(values, 'reason');
  const request = { by: caller(terminal.env), ...(reason !== undefined && { reason }) };
  return tell(invocation, await connect(invocation).reject(id, request, signal), 'is refused');
}

async function tell({ terminal, values }: Invocation, approval: ApprovalView, what: string): Promise<ExitCode> {
  const { deployment, from, to } = approval;
  const { arrow } = statusStyle(terminal);
  await print(terminal, formatOf(values), {
    data: approval,
    names: () => [approval.id],
    table: () => ` ok  ${deployment}   ${from} ${arrow} ${to} replicas ${what}\n`,
  });
  return exitCodes.done;
}

/** Exit code 4 while something waits, so that a script can ask. */
async function list({ terminal, values }: Invocation, approvals: readonly ApprovalView[]): Promise<ExitCode> {
  const { arrow } = statusStyle(terminal);
  const now = Date.now();
  await print(terminal, formatOf(values), {
    data: approvals,
    items: approvals,
    names: () => approvals.map(({ id }) => id),
    table: () =>
      approvals.length === 0
        ? 'Nothing waits for approval.\n'
        : table(
            [
              { header: 'ID', cell: (row) => row.id },
              { header: 'DEPLOYMENT', cell: (row) => row.deployment },
              { header: 'CHANGE', cell: (row) => `${row.from} ${arrow} ${row.to}` },
              { header: 'EXPIRES IN', align: 'right', cell: (row) => age(row.expiresAt - now) },
              { header: 'BECAUSE', cell: (row) => row.reason },
            ],
            approvals,
          ),
  });
  return approvals.length === 0 ? exitCodes.done : exitCodes.approval;
}
