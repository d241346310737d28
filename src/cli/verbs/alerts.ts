/** `flyball alerts`: which alerts came by webhook, and what playbooks did about them. Firing first, newest first. */
import type { AlertActionView, AlertsView, AlertView } from '../../api/schemas.ts';
import { parseCount } from '../arguments.ts';
import { connect } from '../connect.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import type { StatusStyle } from '../status-text.ts';
import { statusStyle } from '../terminal.ts';
import { age, clockTime } from '../../units.ts';

const limitMax = 2000;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const limit = parseCount(stringOption(values, 'limit') ?? '20', '--limit', 1, limitMax);
  const state = flag(values, 'firing') ? ('firing' as const) : undefined;
  const found = await connect(invocation).alerts({ limit, state }, signal);
  await print(terminal, formatOf(values), {
    data: found,
    items: found.alerts,
    names: () => found.alerts.map(({ name }) => name),
    table: () => textOf(found, statusStyle(terminal), Date.now()),
  });
  return exitCodes.done;
}

function textOf({ alerts, actions }: AlertsView, style: StatusStyle, now: number): string {
  if (alerts.length === 0) return 'No alert has come.\n';
  const came = table<AlertView>(
    [
      { header: 'ALERT', cell: ({ name }) => name },
      { header: 'STATE', cell: ({ state }) => state },
      { header: 'FROM', cell: ({ source }) => source },
      { header: 'SINCE', align: 'right', cell: ({ startsAt }) => age(now - startsAt) },
      { header: 'HEARD', align: 'right', cell: ({ heardAt }) => `${age(now - heardAt)} ago` },
      { header: 'LABELS', cell: labelsOf },
    ],
    alerts,
  );
  if (actions.length === 0) return `${came}\nNo playbook did anything.\n`;
  const done = table<AlertActionView>(
    [
      { header: 'AT', cell: ({ at }) => clockTime(at) },
      { header: 'PLAYBOOK', cell: ({ playbook }) => playbook },
      { header: 'ON', cell: ({ alerts: names, on }) => `${names[0] ?? ''} ${on}` },
      { header: 'DEPLOYMENT', cell: ({ deployment = '' }) => deployment },
      { header: 'DID', cell: ({ action }) => action.replace('→', style.arrow) },
      { header: 'CAME OF IT', cell: (action) => outcomeOf(action).replace('→', style.arrow) },
    ],
    actions,
  );
  return `${came}\n${done}`;
}

/** What its name does not say already; what others wrote reaches no terminal as a command. */
function labelsOf({ labels }: AlertView): string {
  return Object.entries(labels)
    .filter(([name]) => name !== 'alertname')
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
    .replaceAll(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .slice(0, 80);
}

function outcomeOf({ state, why, entry }: AlertActionView): string {
  const words = why === '' ? state : `${state}: ${why}`;
  return entry === undefined ? words : `${words} (journal ${entry})`;
}
