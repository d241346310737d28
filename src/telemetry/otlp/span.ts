/** A span of OTLP (opentelemetry/proto/trace/v1/trace.proto), as its JSON form has it. Pure. */
import { toAttributes, toNanoseconds, type AttributeValue, type KeyValue } from './values.ts';

/** Span.SpanKind */
export const spanKind = { internal: 1, server: 2, client: 3 } as const;

/** The two lowest bits beside the trace flags: whether the parent is of another process, and that this is known. */
const flagHasIsRemote = 0x100;
const flagIsRemote = 0x200;

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly flags: number;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly KeyValue[];
  readonly events?: readonly SpanEvent[];
  readonly links?: readonly SpanLink[];
  /** 0 unset, 2 error. */
  readonly status: { readonly code: 0 | 2; readonly message?: string };
}

interface SpanEvent {
  readonly timeUnixNano: string;
  readonly name: string;
  readonly attributes: readonly KeyValue[];
}

export interface SpanLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: readonly KeyValue[];
}

export interface SpanParts {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId?: string | undefined;
  /** The parent is of another process. */
  readonly isRemote?: boolean;
  readonly sampled?: boolean;
  readonly name: string;
  readonly kind?: keyof typeof spanKind;
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly events?: readonly { readonly name: string; readonly attributes: Readonly<Record<string, AttributeValue>> }[];
  readonly links?: readonly SpanLink[];
  readonly error?: string | undefined;
}

export function toSpan(parts: SpanParts): OtlpSpan {
  const { parentId, isRemote = false, sampled = true, kind = 'internal', from, to, events, links, error } = parts;
  const remote = parentId === undefined ? 0 : flagHasIsRemote | (isRemote ? flagIsRemote : 0);
  return {
    traceId: parts.traceId,
    spanId: parts.spanId,
    ...(parentId !== undefined && { parentSpanId: parentId }),
    flags: (sampled ? 1 : 0) | remote,
    name: parts.name,
    kind: spanKind[kind],
    startTimeUnixNano: toNanoseconds(from),
    endTimeUnixNano: toNanoseconds(Math.max(from, to)),
    attributes: toAttributes(parts.attributes),
    ...(events !== undefined &&
      events.length > 0 && {
        events: events.map(({ name, attributes }) => ({
          timeUnixNano: toNanoseconds(from),
          name,
          attributes: toAttributes(attributes),
        })),
      }),
    ...(links !== undefined && links.length > 0 && { links }),
    status: error === undefined ? { code: 0 } : { code: 2, message: error },
  };
}
