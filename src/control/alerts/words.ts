/** What came and what was done, in the words of the API and the journal. Pure. */
import type { AlertView, AlertActionView } from '../../api/schemas.ts';
import type { KnownAlert, Noted } from '../../core/alerts/book.ts';
import { isFiring } from '../../core/alerts/interest.ts';
import { nameOf, plain, summaryOf } from '../../core/alerts/words.ts';
import type { JournalNote } from '../../journal/entry.ts';
import type { AlertGroup } from '../../telemetry/alerts/payload.ts';
import type { ActionRecord } from './state.ts';
import { becauseOf } from './steps.ts';

/** Alerts that one journal entry tells of. */
const toldMax = 20;

export function actionWords(action: ActionRecord): string {
  switch (action.kind) {
    case 'scale': {
      const { from, to } = action;
      return from === to ? 'scale' : `scale ${to > from ? 'out' : 'in'} ${from} → ${to}`;
    }
    case 'mode':
      return `mode ${action.mode}`;
    case 'notify':
      return `notify ${action.to}`;
    case 'none':
      return 'nothing';
    default:
      return action satisfies never;
  }
}

/** Of a notification that changed something; undefined of one that did not. */
export function noteOf(group: AlertGroup, { changes }: Noted): JournalNote | undefined {
  const changed = changes.filter(({ change }) => change === 'fired' || change === 'resolved');
  const [first] = changed;
  if (first === undefined) return undefined;
  const count = (wanted: string): number => changed.filter(({ change }) => change === wanted).length;
  const parts = (['fired', 'resolved'] as const).filter((change) => count(change) > 0);
  const summary = summaryOf(first.alert);
  const names = [...new Set(changed.map(({ alert }) => nameOf(alert)))];
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
  return {
    kind: 'alert',
    action: parts.map((change) => `${count(change)} ${change}`).join(', '),
    subject: 'alerts',
    by: group.source,
    reason: summary === undefined ? shown : `${shown}: ${summary}`,
    details: {
      receiver: plain(group.receiver),
      truncated: group.truncated,
      alerts: changed.slice(0, toldMax).map(({ change, alert: { fingerprint, labels, startsAt } }) => ({
        change,
        fingerprint,
        labels,
        startsAt,
      })),
    },
  };
}

export function noteOfAction(action: ActionRecord): JournalNote {
  const { id, playbook, on, alerts, deployment, state, why } = action;
  return {
    kind: 'alert',
    action: state === 'pending' ? actionWords(action) : `${actionWords(action)}: ${state}`,
    subject: deployment ?? 'alerts',
    by: `playbook ${playbook}`,
    reason: `${becauseOf(action)}${why === '' ? '' : `; ${why}`}`,
    details: { action: id, on, alerts },
  };
}

export function alertView(alert: KnownAlert, wallMs: number, silentMs: number): AlertView {
  const { source, fingerprint, state, labels, annotations, startsAt, endsAt, heardAt, notified, values } = alert;
  return {
    name: nameOf(alert),
    source,
    fingerprint,
    state: state === 'firing' && !isFiring(alert, wallMs, silentMs) ? 'silent' : state,
    labels: { ...labels },
    annotations: { ...annotations },
    startsAt,
    ...(endsAt === undefined ? {} : { endsAt }),
    heardAt,
    notified,
    ...(values === undefined ? {} : { values: { ...values } }),
  };
}

export function actionView(action: ActionRecord): AlertActionView {
  const { id, at, playbook, on, alerts, deployment, state, why } = action;
  return {
    id,
    at,
    playbook,
    on,
    alerts: [...alerts],
    ...(deployment === undefined ? {} : { deployment }),
    action: actionWords(action),
    state,
    why,
    ...(action.kind === 'scale'
      ? { until: action.until, over: action.over, ...(action.entry === undefined ? {} : { entry: action.entry }) }
      : {}),
  };
}
