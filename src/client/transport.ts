/**
 * What a transport of the client does: one attempt of one call. Deadlines, retries and typed results are the client's.
 * Invariant: a failed attempt says whether the request can have reached a model.
 */
import { FlyballError, type ErrorCode } from '../errors.ts';
import type { ModelMetadata, ModelStatistics, RepositoryEntry, ServerMetadata } from '../protocol/inference.ts';
import type { InferRequestMessage, InferResponseMessage } from '../protocol/grpc/infer-messages.ts';

export interface Attempt {
  /** Milliseconds left of the call; told to the server, so that it need not work for nobody. */
  readonly leftMs: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
}

export interface InferAnswer extends Omit<InferResponseMessage, 'version'> {
  readonly version?: string;
  /** As the server reports it in Server-Timing, where it does. */
  readonly serverTiming?: string;
}

export interface Transport {
  live(attempt: Attempt): Promise<boolean>;
  ready(attempt: Attempt): Promise<boolean>;
  modelReady(model: string, version: string | undefined, attempt: Attempt): Promise<boolean>;
  serverMetadata(attempt: Attempt): Promise<ServerMetadata>;
  modelMetadata(model: string, version: string | undefined, attempt: Attempt): Promise<ModelMetadata>;
  repositoryIndex(attempt: Attempt): Promise<readonly RepositoryEntry[]>;
  statistics(model: string | undefined, version: string | undefined, attempt: Attempt): Promise<ModelStatistics[]>;
  infer(request: InferRequestMessage, attempt: Attempt): Promise<InferAnswer>;
  close(): void;
}

/** How a failed attempt may be followed by another. */
export type Repeat =
  /** Nothing was computed, that is certain. */
  | 'safe'
  /** It may have been computed: only what the caller calls idempotent is tried again. */
  | 'if-idempotent'
  | 'never';

export class AttemptFailure extends Error {
  readonly error: FlyballError;
  readonly repeat: Repeat;
  constructor(error: FlyballError, repeat: Repeat) {
    super(error.message, { cause: error });
    this.error = error;
    this.repeat = repeat;
  }
}

/** Codes of answers that say that nothing was computed and that a later attempt may do better. */
const refusedCodes: ReadonlySet<ErrorCode> = new Set([
  'QUEUE_FULL',
  'OVERLOADED',
  'MODEL_NOT_READY',
  'DRAINING',
  'RATE_LIMITED',
]);

/** The failure that an answer of the server means. */
export function answered(code: ErrorCode, message: string, retryAfterSeconds?: number): AttemptFailure {
  const error = new FlyballError(code, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
  if (refusedCodes.has(code)) return new AttemptFailure(error, 'safe');
  return new AttemptFailure(error, code === 'REPLICA_FAILED' ? 'if-idempotent' : 'never');
}

/** The failure of a connection; `sent`: whether any of the request can have left. */
export function broken(url: string, sent: boolean, cause: unknown): AttemptFailure {
  const said = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : String(cause);
  const error = new FlyballError(
    'UNREACHABLE',
    sent ? `expected an answer from ${url}, got a broken connection: ${said}` : `could not connect to ${url}: ${said}`,
    { cause },
  );
  return new AttemptFailure(error, sent ? 'if-idempotent' : 'safe');
}

export const wrongAnswer = (url: string, what: string, cause?: unknown): AttemptFailure =>
  new AttemptFailure(new FlyballError('PROTOCOL', `${url}: ${what}`, { cause }), 'never');

/** Servers other than Flyball have words and no codes; these are Triton's and KServe's. */
export function codeOfWords(code: ErrorCode, message: string): ErrorCode {
  if (/unknown model|model .*not found|no model/i.test(message)) return 'MODEL_NOT_FOUND';
  if (code === 'OVERLOADED' && /not ready|not loaded|unloaded|no version/i.test(message)) return 'MODEL_NOT_READY';
  if (code === 'RATE_LIMITED' && /larger than|message of at most|too large/i.test(message)) return 'TOO_LARGE';
  return code;
}
