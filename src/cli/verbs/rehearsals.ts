/** `flyball rehearsals`: what was rehearsed of deployments of the platform, so that a mode may rest on it. It asks and prints. */
import type { RehearsalView } from '../../api/rehearsal-schemas.ts';
import { labelOf, percent, replicaHours } from '../../rehearsal/report/verdict.ts';
import { parseCount } from '../arguments.ts';
import { connect } from '../connect.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import { dateTime } from '../../units.ts';
import { columnsOf, wrap } from '../wrap.ts';

const limitDefault = 20;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const [action = 'list', id] = invocation.positionals;
  if (action === 'show') return show(invocation, id);
  if (action !== 'list') throw new UsageError(`rehearsals does not know ${action}`, 'expected list or show ID');
  if (id !== undefined)
    throw new UsageError(`rehearsals list does not take ${id}`, 'say --deployment NAME, or show ID');
  const { terminal, values, signal } = invocation;
  const deployment = stringOption(values, 'deployment');
  const limit = parseCount(stringOption(values, 'limit') ?? String(limitDefault), '--limit', 1, 100);
  const found = await connect(invocation).rehearsals(deployment, limit, signal);
  await print(terminal, formatOf(values), {
    data: found,
    items: found,
    names: () => found.map((one) => one.id),
    table: () => (found.length === 0 ? 'No rehearsals; flyball rehearse DEPLOYMENT makes one.\n' : listText(found)),
  });
  return exitCodes.done;
}

/** Of each, the policy that it is of comes first. */
function listText(found: readonly RehearsalView[]): string {
  const first = ({ report }: RehearsalView) => report.policies[0];
  const cell =
    (of: (policy: RehearsalView['report']['policies'][number]) => string) =>
    (rehearsal: RehearsalView): string => {
      const policy = first(rehearsal);
      return policy === undefined ? '' : of(policy);
    };
  return table(
    [
      { header: 'ID', cell: ({ id }) => id },
      { header: 'DEPLOYMENT', cell: ({ deployment }) => deployment },
      { header: 'AT', cell: ({ at }) => dateTime(at) },
      { header: 'TRACE', cell: ({ report }) => report.trace },
      { header: 'POLICY', cell: cell(labelOf) },
      { header: 'MISSED', align: 'right', cell: cell((policy) => percent(policy.violationFraction)) },
      { header: 'TOLERATED', align: 'right', cell: ({ tolerated }) => percent(tolerated) },
      { header: 'REPLICA-H', align: 'right', cell: cell((policy) => replicaHours(policy.replicaSeconds)) },
      { header: 'BY', cell: ({ by }) => by },
    ],
    found,
  );
}

async function show(invocation: Invocation, id: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  if (id === undefined) throw new UsageError('rehearsals show expects an ID', 'flyball rehearsals lists them');
  const found = await connect(invocation).rehearsal(id, signal);
  const columns = columnsOf(terminal.stdout);
  await print(terminal, formatOf(values), {
    data: found,
    names: () => [found.id],
    table: () =>
      [
        wrap(`${found.id} of ${found.deployment}, ${dateTime(found.at)} by ${found.by}`, columns, 2),
        wrap(`  ${found.setting}`, columns, 2),
        '',
        table(
          [
            { header: 'POLICY', cell: labelOf },
            { header: 'MISSED', align: 'right', cell: (policy) => percent(policy.violationFraction) },
            { header: 'REPLICA-H', align: 'right', cell: (policy) => replicaHours(policy.replicaSeconds) },
            { header: 'COST', align: 'right', cell: (policy) => policy.cost.toFixed(2) },
            { header: 'ACTIONS', align: 'right', cell: (policy) => String(policy.actions) },
            { header: 'FLAPS', align: 'right', cell: (policy) => String(policy.flaps) },
          ],
          found.report.policies,
        ),
        ...found.verdict.map((sentence) => wrap(sentence, columns, 2)),
        '',
      ].join('\n'),
  });
  return exitCodes.done;
}
