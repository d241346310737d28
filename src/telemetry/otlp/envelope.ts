/**
 * Items of one kind as the body of one export request: `ExportTraceServiceRequest`, `ExportMetricsServiceRequest` or
 * `ExportLogsServiceRequest`. Items are JSON already, so that a batch is put together and nothing is encoded again.
 */
import type { OtlpSignal } from '../../config/otlp-specification.ts';

export interface Item {
  /** JSON of a Resource. */
  readonly resource: string;
  /** JSON of a Span, Metric or LogRecord. */
  readonly json: string;
}

const fields: Readonly<Record<OtlpSignal, readonly [string, string, string]>> = {
  traces: ['resourceSpans', 'scopeSpans', 'spans'],
  metrics: ['resourceMetrics', 'scopeMetrics', 'metrics'],
  logs: ['resourceLogs', 'scopeLogs', 'logRecords'],
};

/** `scope`: JSON of an InstrumentationScope. */
export function envelope(signal: OtlpSignal, items: readonly Item[], scope: string): string {
  const [resources, scopes, each] = fields[signal];
  const parts = [...Map.groupBy(items, ({ resource }) => resource)].map(
    ([resource, own]) =>
      `{"resource":${resource},"${scopes}":[{"scope":${scope},"${each}":[${own.map(({ json }) => json).join(',')}]}]}`,
  );
  return `{"${resources}":[${parts.join(',')}]}`;
}
