/** `flyball plan`: the difference between the specification and what runs. It changes nothing; exit 3 says "differs". */
import type { OverrideView, PlanView } from '../../api/schemas.ts';
import { connect } from '../connect.ts';
import type { Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print } from '../output.ts';
import { overrideText } from '../override-text.ts';
import { generatedIn, loadFrom, prepare, resolveAgainst } from '../prepare.ts';
import { progressOn } from '../progress.ts';
import { styleOf, type Style } from '../terminal.ts';
import { age } from '../../units.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const loaded = await loadFrom(positionals[0], terminal);
  const client = connect(invocation);
  const prepared = await prepare(loaded, await generatedIn(client, invocation), progressOn(terminal), signal);
  const { resolved } = await resolveAgainst(client, prepared, signal);
  const plan = await client.plan(resolved, signal);
  const dropped = new Set(plan.overridesDropped.map(({ path }) => path));
  const { overrides, at } = await client.status(signal);
  const kept = overrides.filter(({ path }) => !dropped.has(path));
  await print(terminal, formatOf(values), {
    data: plan,
    items: plan.changes,
    names: () => [plan.fingerprint],
    table: () => planText(plan, { style: styleOf(terminal.stdout, terminal.env), kept, spec: positionals[0], at }),
  });
  return plan.changes.length === 0 ? exitCodes.done : exitCodes.changes;
}

const marks = { add: '+', change: '~', remove: '-', restart: '!' } as const;

interface PlanContext {
  readonly style: Style;
  /** Overrides on what the specification does not name: they stay. */
  readonly kept: readonly OverrideView[];
  readonly spec: string | undefined;
  /** Unix ms, by the server's clock. */
  readonly at: number;
}

export function planText(plan: PlanView, { style, kept, spec, at }: PlanContext): string {
  const stays = kept.map((override) => `  stays: ${overrideText(override, at)}\n`).join('');
  if (plan.changes.length === 0)
    return `no changes: what is specified is what runs (fingerprint ${plan.fingerprint})\n${stays}`;
  const ages = new Map(plan.overridesDropped.map((override) => [override.path, age(at - override.at)]));
  const paint = { add: style.green, change: style.yellow, remove: style.red, restart: style.yellow };
  const lines = plan.changes.map(({ action, subject, text }) => {
    const dropped = text.startsWith('drops the override') ? ages.get(subject) : undefined;
    const what = text.includes(subject) ? text : `${subject}: ${text}`;
    return (
      paint[action](`${marks[action]} ${action.padEnd(7)} `) + what + (dropped === undefined ? '' : `, ${dropped} ago`)
    );
  });
  const command = ['flyball deploy', ...(spec === undefined ? [] : [spec]), '--plan', plan.fingerprint].join(' ');
  return `${lines.join('\n')}\n${stays}\nfingerprint ${plan.fingerprint}; to do exactly this: ${command}\n`;
}
