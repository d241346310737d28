/** `flyball plan`: the difference between the specification and what runs. It changes nothing; exit 3 says "differs". */
import type { PlanView } from '../../api/schemas.ts';
import { connect } from '../connect.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { generatedIn, loadFrom, prepare, resolveAgainst } from '../prepare.ts';
import { progressOn } from '../progress.ts';
import { styleOf, type Style } from '../terminal.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const loaded = await loadFrom(positionals[0], terminal);
  const client = connect(invocation);
  const prepared = await prepare(loaded, await generatedIn(client, invocation), progressOn(terminal), signal);
  const { resolved } = await resolveAgainst(client, prepared, signal);
  const plan = await client.plan(resolved, signal);
  await print(terminal, formatOf(values), {
    data: plan,
    items: plan.changes,
    names: () => [plan.fingerprint],
    table: () => planText(plan, styleOf(terminal.stdout, terminal.env)),
  });
  return plan.changes.length === 0 ? exitCodes.done : exitCodes.changes;
}

const marks = { add: '+', change: '~', remove: '-', restart: '!' } as const;

export function planText(plan: PlanView, style: Style): string {
  if (plan.changes.length === 0) return `no changes: what runs is what is specified (${plan.fingerprint})\n`;
  const paint = { add: style.green, change: style.yellow, remove: style.red, restart: style.yellow };
  const lines = plan.changes.map(({ action, subject, text }) =>
    paint[action](`${marks[action]} ${action.padEnd(7)} `).concat(
      text.includes(subject) ? text : `${subject}: ${text}`,
    ),
  );
  const restarts = plan.changes.some(({ action }) => action === 'restart');
  if (restarts) lines.push('! takes hold at the next start of the platform or of its replicas');
  lines.push('', `fingerprint ${plan.fingerprint}; to do exactly this: flyball deploy --plan ${plan.fingerprint}`);
  return `${lines.join('\n')}\n`;
}
