/** Metrics about where telemetry is sent: what was taken, what waits, what was lost and why. */
import type { SinkView } from '../../api/sink-schemas.ts';
import type { Registry } from '../../telemetry/registry.ts';

export function registerSinkFamilies(registry: Registry, sinks: () => readonly SinkView[]): void {
  const labels = ['sink', 'kind'];
  const each = (valueOf: (view: SinkView) => number | undefined) => () =>
    sinks().flatMap((view) => {
      const value = valueOf(view);
      return value === undefined ? [] : [{ labels: { sink: view.name, kind: view.kind }, value }];
    });
  registry.total(
    { name: 'flyball_sink_items_sent_total', help: 'Lines, spans and the like that a sink has taken.', labels },
    each(({ sent }) => sent),
  );
  registry.total(
    {
      name: 'flyball_sink_items_dropped_total',
      help: 'Those that were lost: there was no room (full), the receiver refused them (refused), one was too large alone (too_large), the sink was closed (closed).',
      labels: [...labels, 'reason'],
    },
    () =>
      sinks().flatMap(({ name, kind, dropped }) =>
        Object.entries(dropped).map(([reason, value]) => ({ labels: { sink: name, kind, reason }, value })),
      ),
  );
  registry.total(
    {
      name: 'flyball_sink_values_left_out_total',
      help: 'Values that the format of a sink cannot hold, such as NaN.',
      labels,
    },
    each(({ leftOut }) => leftOut),
  );
  registry.gauge(
    { name: 'flyball_sink_items_waiting', help: 'Those that wait to be sent.', labels },
    each(({ waiting }) => waiting),
  );
  registry.gauge(
    { name: 'flyball_sink_waiting_bytes', help: 'Memory that those take.', labels },
    each(({ waitingBytes }) => waitingBytes),
  );
  registry.gauge(
    { name: 'flyball_sink_failing', help: '1 while the last write to a sink was not taken.', labels },
    each(({ state }) => (state === 'failing' ? 1 : 0)),
  );
  registry.gauge(
    {
      name: 'flyball_sink_last_success_timestamp_seconds',
      help: 'Unix time of the last write that was taken.',
      labels,
    },
    each(({ lastSuccessAt }) => (lastSuccessAt === undefined ? undefined : lastSuccessAt / 1000)),
  );
}
