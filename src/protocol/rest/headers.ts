/**
 * The few request headers that matter here, picked from the raw list in one pass. `request.headers` would build an object
 * of all of them, which costs more than everything else done with them.
 */
import { FlyballError } from '../../errors.ts';

export interface RestHeaders {
  contentType: string | undefined;
  contentLength: string | undefined;
  contentEncoding: string | undefined;
  acceptEncoding: string | undefined;
  accept: string | undefined;
  /** Inference-Header-Content-Length as it came. */
  headerLength: string | undefined;
  deadlineMs: string | undefined;
  requestId: string | undefined;
  traceparent: string | undefined;
  /** Flyball-Timing as it came: whether the caller wants Server-Timing. */
  timing: string | undefined;
}

const fields = new Map<string, keyof RestHeaders>([
  ['content-type', 'contentType'],
  ['content-length', 'contentLength'],
  ['content-encoding', 'contentEncoding'],
  ['accept-encoding', 'acceptEncoding'],
  ['accept', 'accept'],
  ['inference-header-content-length', 'headerLength'],
  ['flyball-deadline-ms', 'deadlineMs'],
  ['x-request-id', 'requestId'],
  ['traceparent', 'traceparent'],
  ['flyball-timing', 'timing'],
]);
/** Most other headers are told apart by their length alone. */
const lengths = new Set([...fields.keys()].map((name) => name.length));

export function readHeaders(raw: readonly string[]): RestHeaders {
  const headers: RestHeaders = {
    contentType: undefined,
    contentLength: undefined,
    contentEncoding: undefined,
    acceptEncoding: undefined,
    accept: undefined,
    headerLength: undefined,
    deadlineMs: undefined,
    requestId: undefined,
    traceparent: undefined,
    timing: undefined,
  };
  for (let index = 0; index + 1 < raw.length; index += 2) {
    const name = raw[index] as string;
    if (!lengths.has(name.length)) continue;
    const field = fields.get(name.toLowerCase());
    if (field !== undefined) headers[field] = raw[index + 1];
  }
  return headers;
}

const wholeNumber = /^\d{1,15}$/;
/** No hexadecimal, no blanks, no words: what Number() takes besides. */
const decimalNumber = /^\d+(?:\.\d+)?(?:e\d{1,3})?$/i;

/** The length of the JSON part; undefined without the header. Throws INVALID_BINARY when it is no whole number. */
export function jsonLength(headers: RestHeaders): number | undefined {
  const text = headers.headerLength;
  if (text === undefined) return undefined;
  if (!wholeNumber.test(text)) {
    throw new FlyballError(
      'INVALID_BINARY',
      `Inference-Header-Content-Length: expected a whole number of bytes, got ${JSON.stringify(text)}`,
    );
  }
  return Number(text);
}

/** Milliseconds of Flyball-Deadline-Ms; undefined without the header. */
export function deadlineOf(headers: RestHeaders): number | undefined {
  const text = headers.deadlineMs;
  if (text === undefined) return undefined;
  const value = decimalNumber.test(text) ? Number(text) : Number.NaN;
  if (!Number.isFinite(value) || value <= 0) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `Flyball-Deadline-Ms: expected milliseconds above 0, got ${JSON.stringify(text)}`,
    );
  }
  return value;
}

/** Which compression to answer with, of those that the caller takes; gzip before deflate at equal weight. */
export function acceptedEncoding(header: string | undefined): 'gzip' | 'deflate' | undefined {
  if (header === undefined) return undefined;
  let best: 'gzip' | 'deflate' | undefined;
  let bestWeight = 0;
  for (const part of header.toLowerCase().split(',')) {
    const [coding, ...settings] = part.split(';').map((piece) => piece.trim());
    if (coding !== 'gzip' && coding !== 'deflate') continue;
    const weight = Number(settings.find((setting) => setting.startsWith('q='))?.slice(2) ?? 1);
    if (weight > bestWeight || (weight === bestWeight && coding === 'gzip' && weight > 0)) {
      best = coding;
      bestWeight = weight;
    }
  }
  return best;
}
