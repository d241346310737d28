/**
 * A line of the platform's log as an OTLP log record (opentelemetry/proto/logs/v1/logs.proto). A line that is not JSON is
 * a record all the same: it is what a process said on its way down. Pure.
 */
import { toAttributes, toNanoseconds, type AttributeValue } from './values.ts';

/** SeverityNumber, the lowest of each range, by pino's names. */
const severities: Readonly<Record<string, number>> = { trace: 1, debug: 5, info: 9, warn: 13, error: 17, fatal: 21 };

/** `now`: Unix milliseconds, when it was read. */
export function encodeLogRecord(line: string, now: number): string {
  const fields = parse(line);
  if (fields === undefined) {
    const time = toNanoseconds(now);
    return JSON.stringify({ observedTimeUnixNano: time, severityNumber: 0, body: { stringValue: line } });
  }
  const { time, level, msg, traceId, err, ...rest } = fields;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  const isTraced = typeof traceId === 'string' && /^[0-9a-f]{32}$/.test(traceId);
  return JSON.stringify({
    ...(Number.isFinite(at) && { timeUnixNano: toNanoseconds(at) }),
    observedTimeUnixNano: toNanoseconds(now),
    severityNumber: severities[String(level)] ?? 0,
    ...(typeof level === 'string' && { severityText: level }),
    body: { stringValue: typeof msg === 'string' ? msg : '' },
    attributes: toAttributes({ ...flat(rest), ...exceptionOf(err) }),
    ...(isTraced && { traceId }),
  });
}

function parse(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}

function flat(fields: Readonly<Record<string, unknown>>): Record<string, AttributeValue> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]): [string, AttributeValue] => {
      if (value === null || value === undefined) return [key, undefined];
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return [key, value];
      return [key, JSON.stringify(value)];
    }),
  );
}

/** By the conventions for exceptions. */
function exceptionOf(err: unknown): Record<string, AttributeValue> {
  if (typeof err !== 'object' || err === null) return {};
  const { type, message, stack } = err as Readonly<Record<string, unknown>>;
  const text = (value: unknown): AttributeValue => (typeof value === 'string' ? value : undefined);
  return {
    'exception.type': text(type),
    'exception.message': text(message),
    'exception.stacktrace': text(stack),
  };
}
