/** Files that sinks read secrets from and write to, under absolute paths: control knows not where the specification lay. */
import { resolve } from 'node:path';
import type { SecretPlace } from './alerts-specification.ts';
import type { Specification } from './specification.ts';
import type { InfluxSettings } from './telemetry-specification.ts';

export function withAbsoluteSinks(specification: Specification, folder: string): Specification {
  const place = (found: SecretPlace): SecretPlace =>
    found.file === undefined ? found : { ...found, file: resolve(folder, found.file) };
  const absolute = (sink: InfluxSettings): InfluxSettings => {
    switch (sink.kind) {
      case 'v1':
        return { ...sink, ...(sink.password && { password: place(sink.password) }) };
      case 'v2':
        return { ...sink, token: place(sink.token) };
      case 'http':
        return {
          ...sink,
          ...(sink.password && { password: place(sink.password) }),
          ...(sink.bearer && { bearer: place(sink.bearer) }),
        };
      case 'udp':
        return sink;
      case 'file':
        return { ...sink, path: resolve(folder, sink.path) };
      default:
        return sink satisfies never;
    }
  };
  const { telemetry } = specification;
  const { otlp } = telemetry;
  const headers = Object.entries(otlp?.headers ?? {}).map(([key, value]) => [
    key,
    typeof value === 'string' ? value : place(value),
  ]);
  return {
    ...specification,
    telemetry: {
      ...telemetry,
      influx: telemetry.influx.map(absolute),
      ...(otlp && { otlp: { ...otlp, headers: Object.fromEntries(headers) } }),
    },
  };
}
