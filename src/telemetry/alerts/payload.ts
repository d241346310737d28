/**
 * The body of an alert webhook: Grafana unified alerting (version "1", grafana/alerting, receivers/webhook) or Prometheus
 * Alertmanager (version "4", notify/webhook). Fields that nobody reads may be anything, so that a sender's next version
 * is not refused; those that are read must have their types.
 */
import { z } from 'zod';
import { fingerprintOf } from './fingerprint.ts';
import type { Alert } from '../../core/alerts/book.ts';

export interface AlertGroup {
  readonly source: 'grafana' | 'alertmanager';
  readonly receiver: string;
  readonly groupKey: string;
  /** Firing if any of its alerts fires. */
  readonly status: 'firing' | 'resolved';
  readonly alerts: readonly Alert[];
  /** Alerts that the sender left out. */
  readonly truncated: number;
  readonly orgId?: number | undefined;
}

export type ParsedPayload =
  | { readonly kind: 'group'; readonly group: AlertGroup }
  /** In words: what was expected where. */
  | { readonly kind: 'refused'; readonly reason: string };

/** Alerts of one body. */
const alertsMax = 10_000;

/** Go's zero time: there is none. */
const zeroTime = -62_135_596_800_000;

const rfc3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/u;

const time = z.string().transform((text, context) => {
  const at = rfc3339.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at)) context.addIssue({ code: 'custom', message: `${JSON.stringify(text)} is no RFC 3339 time` });
  return at;
});

const status = z.enum(['firing', 'resolved']);
const texts = z.record(z.string(), z.string());

const alert = z.object({
  status,
  labels: texts,
  annotations: texts.nullish(),
  startsAt: time,
  endsAt: time.nullish(),
  fingerprint: z.string().nullish(),
  values: z.record(z.string(), z.unknown()).nullish(),
});

const payload = z.object({
  version: z.string(),
  status,
  receiver: z.string().default(''),
  groupKey: z.string().default(''),
  alerts: z.array(alert).max(alertsMax),
  truncatedAlerts: z.number().int().nonnegative().nullish(),
  orgId: z.number().int().nullish(),
});

type SentAlert = z.infer<typeof alert>;

function toAlert(sent: SentAlert): Alert {
  const { endsAt } = sent;
  const numbers = Object.entries(sent.values ?? {}).filter(([, value]) => typeof value === 'number');
  return {
    fingerprint: sent.fingerprint ?? fingerprintOf(sent.labels),
    state: sent.status,
    labels: sent.labels,
    annotations: sent.annotations ?? {},
    startsAt: sent.startsAt,
    endsAt: endsAt === null || endsAt === zeroTime ? undefined : endsAt,
    values: numbers.length === 0 ? undefined : (Object.fromEntries(numbers) as Record<string, number>),
  };
}

const sources: Readonly<Record<string, AlertGroup['source'] | undefined>> = { '1': 'grafana', '4': 'alertmanager' };

export function parsePayload(body: unknown): ParsedPayload {
  const read = payload.safeParse(body);
  if (!read.success) {
    const [issue] = read.error.issues;
    const where = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
    return { kind: 'refused', reason: `${where}: ${issue?.message ?? 'not understood'}` };
  }
  const sent = read.data;
  const source = sources[sent.version];
  if (source === undefined) {
    const expected = 'expected "1" (Grafana) or "4" (Alertmanager)';
    return { kind: 'refused', reason: `version is ${JSON.stringify(sent.version)}, ${expected}` };
  }
  const alerts = sent.alerts.map(toAlert);
  const fires = alerts.some(({ state }) => state === 'firing');
  return {
    kind: 'group',
    group: {
      source,
      receiver: sent.receiver,
      groupKey: sent.groupKey,
      status: fires ? 'firing' : alerts.length === 0 ? sent.status : 'resolved',
      alerts,
      truncated: sent.truncatedAlerts ?? 0,
      orgId: sent.orgId ?? undefined,
    },
  };
}

/** The first `maxAlerts` (0: all), as a sender cuts a long list. */
export function truncateAlerts<One>(
  alerts: readonly One[],
  maxAlerts: number,
): { readonly kept: readonly One[]; readonly truncatedAlerts: number } {
  const kept = maxAlerts > 0 ? alerts.slice(0, maxAlerts) : alerts;
  return { kept, truncatedAlerts: alerts.length - kept.length };
}
