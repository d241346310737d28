/** Notifications as Alertmanager and Grafana send them, for tests. */

export interface SentAlert {
  readonly name?: string;
  readonly state?: 'firing' | 'resolved';
  /** Seconds since 1970. */
  readonly at?: number;
  readonly labels?: Readonly<Record<string, string>>;
  readonly summary?: string;
}

export function notification(
  sender: 'grafana' | 'alertmanager',
  alerts: readonly SentAlert[],
  more: Readonly<Record<string, unknown>> = {},
): Buffer {
  const sent = alerts.map(({ name = 'Slow', state = 'firing', at = 1000, labels = {}, summary }) => ({
    status: state,
    labels: { alertname: name, ...labels },
    annotations: summary === undefined ? {} : { summary },
    startsAt: new Date(at * 1000).toISOString(),
    endsAt: state === 'resolved' ? new Date((at + 60) * 1000).toISOString() : '0001-01-01T00:00:00Z',
    generatorURL: 'http://prometheus.example/graph',
  }));
  const version = sender === 'grafana' ? '1' : '4';
  const status = alerts.some(({ state }) => state !== 'resolved') ? 'firing' : 'resolved';
  const group = { receiver: 'flyball', groupKey: '{}:{}', groupLabels: {}, commonLabels: {}, commonAnnotations: {} };
  return Buffer.from(JSON.stringify({ version, status, ...group, alerts: sent, ...more }));
}
