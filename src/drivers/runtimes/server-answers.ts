/**
 * What a server's answer means to its caller. Whose fault it is decides everything after: a request that the server
 * refuses (4xx) is the caller's, one that fails there (5xx) counts against the replica, and one that it was too busy for
 * or never answered may be tried elsewhere. The words are the server's own.
 */
import { FlyballError, type ErrorCode } from '../../errors.ts';
import { parseJsonBytes } from '../../protocol/json.ts';
import type { Exchange, ServerReply } from './server-client.ts';

export const answerLimits = { jsonDepthMax: 512, tensorElementsMax: 268_435_456 };
const wordsMax = 400;

/** Faults of how the server is set up or how it is asked, not of this request: 401 no key, 404 no such model, … */
const ourFaults: ReadonlySet<number> = new Set([401, 402, 403, 404, 405, 407, 426]);
const tooBusy: ReadonlySet<number> = new Set([429, 503]);

function codeOf(status: number): ErrorCode {
  if (tooBusy.has(status)) return 'OVERLOADED';
  if (status >= 400 && status < 500 && !ourFaults.has(status)) return 'INVALID_REQUEST';
  return status >= 400 ? 'INFERENCE_FAILED' : 'PROTOCOL';
}

/** The answer, or an error of the catalogue for everything that is none. */
export function requireAnswer(exchange: Exchange): ServerReply {
  switch (exchange.kind) {
    case 'answered':
      if (exchange.status === 200) return exchange;
      throw new FlyballError(
        codeOf(exchange.status),
        `the server answered ${exchange.status}: ${wordsOf(exchange.body)}`,
      );
    case 'lost':
    case 'late':
      throw new FlyballError('REPLICA_FAILED', `the server gave no answer: ${exchange.reason}`);
    case 'garbage':
      throw new FlyballError('PROTOCOL', `the server answered what is no HTTP: ${exchange.reason}`);
    default:
      return exchange satisfies never;
  }
}

/** V2 and V1 say `error`, TorchServe `message`, FastAPI `detail`; anything else is shown as it came. */
export function wordsOf(body: Buffer): string {
  const text = body.toString('utf8').trim();
  let words = text;
  try {
    const value = JSON.parse(text) as Readonly<Record<string, unknown>> | null;
    const told = value?.['error'] ?? value?.['message'] ?? value?.['detail'];
    if (told !== undefined) words = typeof told === 'string' ? told : JSON.stringify(told);
  } catch {
    // No JSON: a page of a proxy, or a line of text.
  }
  if (words === '') return 'nothing';
  return words.length > wordsMax ? `${words.slice(0, wordsMax)}…` : words;
}

/** Strings, which are kept as they are, or the words that Python's json writes for numbers that JSON does not have. */
const pythonWords = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/g;

/** The same bytes with NaN, Infinity and -Infinity in quotes, as our own tensors have them. */
export function quoteNonFinite(body: Buffer): Buffer {
  const text = body.toString('utf8');
  return Buffer.from(text.replaceAll(pythonWords, (found) => (found.startsWith('"') ? found : `"${found}"`)));
}

/** PROTOCOL when it is no JSON. */
export function readJson(body: Buffer): unknown {
  const limits = { depthMax: answerLimits.jsonDepthMax };
  try {
    return parseJsonBytes(body, limits);
  } catch (error) {
    try {
      if (body.includes('NaN') || body.includes('Infinity')) return parseJsonBytes(quoteNonFinite(body), limits);
    } catch {
      // The first error says what is wrong.
    }
    throw new FlyballError('PROTOCOL', `the server answered what is no JSON: ${wordsOf(body)}`, { cause: error });
  }
}
