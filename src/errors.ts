/**
 * The one error catalogue. Each entry has a literal code, an HTTP status, a gRPC status, whether the same call may be
 * tried again, and a heading in docs/errors.md (a test holds the two together).
 * A message says what was expected and what came; the cause is always passed on. As long as there are errors.
 */

/** gRPC status numbers by name (grpc/status). */
export const grpcStatus = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  UNAUTHENTICATED: 16,
} as const;

export type GrpcStatusName = keyof typeof grpcStatus;

interface CatalogueEntry {
  readonly status: number;
  readonly grpc: GrpcStatusName;
  /** Whether the same call may succeed later or elsewhere without being changed. */
  readonly retry: boolean;
  /** One line for docs/errors.md: what it means and what to do. */
  readonly help: string;
}

const entry = (status: number, grpc: GrpcStatusName, retry: boolean, help: string): CatalogueEntry => ({
  status,
  grpc,
  retry,
  help,
});

export const catalogue = {
  // The request
  INVALID_REQUEST: entry(
    400,
    'INVALID_ARGUMENT',
    false,
    'The request is not of the form that the endpoint takes; the message names the field.',
  ),
  INVALID_JSON: entry(
    400,
    'INVALID_ARGUMENT',
    false,
    'The body is not JSON, or nested too deep; the message gives the place.',
  ),
  INVALID_TENSOR: entry(
    400,
    'INVALID_ARGUMENT',
    false,
    "A tensor's name, datatype, shape or data does not fit the model; the message says what was expected and what came.",
  ),
  INVALID_BINARY: entry(
    400,
    'INVALID_ARGUMENT',
    false,
    'Binary parts and their declared sizes do not agree, or a BYTES element runs past the end.',
  ),
  INVALID_IMAGE: entry(400, 'INVALID_ARGUMENT', false, 'The file could not be decoded by the pipeline of this model.'),
  INVALID_NAME: entry(
    400,
    'INVALID_ARGUMENT',
    false,
    'A name of a model, version, alias or deployment has characters that names may not have.',
  ),
  UNSUPPORTED_CONTENT: entry(
    415,
    'INVALID_ARGUMENT',
    false,
    'The content type or encoding is not one that this endpoint reads.',
  ),
  TOO_LARGE: entry(
    413,
    'INVALID_ARGUMENT',
    false,
    'The body, tensor or message is over its limit; the message names the limit and its configuration key.',
  ),
  METHOD_NOT_ALLOWED: entry(405, 'UNIMPLEMENTED', false, 'The path exists but not with this HTTP method.'),
  NOT_FOUND: entry(404, 'NOT_FOUND', false, 'There is nothing at this path.'),
  MODEL_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No deployment or model has this name; the message lists near ones.'),
  VERSION_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'The model has no such version, or it is not being served.'),
  ALIAS_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'The model has no such alias.'),
  NOT_IMPLEMENTED: entry(501, 'UNIMPLEMENTED', false, 'A part of the protocol that this server does not offer.'),
  // Capacity
  QUEUE_FULL: entry(
    503,
    'UNAVAILABLE',
    true,
    "The deployment's queue is full (`queue.lengthMax`); try again after `Retry-After`.",
  ),
  OVERLOADED: entry(
    503,
    'UNAVAILABLE',
    true,
    'The estimated wait is longer than the deadline, so the request was not admitted; try again after `Retry-After`.',
  ),
  MODEL_NOT_READY: entry(503, 'UNAVAILABLE', true, 'The deployment has no replica that is loaded and warmed yet.'),
  DRAINING: entry(503, 'UNAVAILABLE', true, 'The server is shutting down and admits nothing new.'),
  RATE_LIMITED: entry(
    429,
    'RESOURCE_EXHAUSTED',
    true,
    'The caller is over the rate limit of its key; try again after `Retry-After`.',
  ),
  DEADLINE_EXCEEDED: entry(
    504,
    'DEADLINE_EXCEEDED',
    false,
    'The answer was not there by the deadline. Work that had not started was never started.',
  ),
  TOO_MANY_STREAMS: entry(
    503,
    'UNAVAILABLE',
    true,
    'As many watch the event stream as may at once; close one, or try again after `Retry-After`.',
  ),
  CANCELLED: entry(499, 'CANCELLED', false, 'The caller hung up.'),
  // Replicas and models
  REPLICA_FAILED: entry(
    502,
    'UNAVAILABLE',
    true,
    'The replica died with the request in flight and it could not be answered elsewhere.',
  ),
  INFERENCE_FAILED: entry(
    500,
    'INTERNAL',
    false,
    "The runtime refused to compute; the message carries the runtime's own words.",
  ),
  MODEL_LOAD_FAILED: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    "The runtime could not load or warm the model; the message carries the runtime's own words.",
  ),
  VERSION_REVERTED: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The version took over and ended before it had proved itself; the one before serves again. Deploy it anew to try again.',
  ),
  INVALID_MODEL: entry(422, 'INVALID_ARGUMENT', false, 'The file is not a model that can be read.'),
  // Control
  INVALID_SPECIFICATION: entry(
    422,
    'INVALID_ARGUMENT',
    false,
    'The specification has a key or value that is not allowed; the message names it and the nearest valid one.',
  ),
  CONFLICT: entry(
    409,
    'FAILED_PRECONDITION',
    false,
    'What is to be changed is in use or has changed since it was read.',
  ),
  PLAN_OUTDATED: entry(
    409,
    'FAILED_PRECONDITION',
    false,
    'What runs has changed since the plan was made; make a new plan.',
  ),
  PRECONDITION_FAILED: entry(
    412,
    'FAILED_PRECONDITION',
    false,
    'It is not as `If-Match` says any more: somebody else has changed it. Read it again, and change that.',
  ),
  IDEMPOTENCY_KEY_REUSED: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The `Idempotency-Key` came with another request before; make a new one for each thing that is to be done.',
  ),
  IDEMPOTENCY_RUNNING: entry(
    409,
    'FAILED_PRECONDITION',
    true,
    'The first request with this `Idempotency-Key` is still being done; ask again after `Retry-After`.',
  ),
  IDEMPOTENCY_UNKNOWN: entry(
    409,
    'FAILED_PRECONDITION',
    false,
    'The first request with this `Idempotency-Key` was interrupted, or its answer is not kept; the message says which. It is not done again: see in the journal whether it was, and use a new key if it was not.',
  ),
  DEPLOYMENT_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No deployment has this name.'),
  KEY_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No API key has this id, or it has been revoked.'),
  APPROVAL_NOT_FOUND: entry(
    404,
    'NOT_FOUND',
    false,
    'No change of this id waits for approval: it was decided, has expired, or was withdrawn.',
  ),
  REHEARSAL_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No rehearsal has this id, or it is no longer kept.'),
  REHEARSAL_UNFIT: entry(
    409,
    'FAILED_PRECONDITION',
    false,
    'The rehearsal is of another deployment, policy or bounds, is too old, or was not passed; the message says which. Rehearse again (`flyball rehearse NAME`), or give a reason of your own.',
  ),
  REHEARSAL_BUSY: entry(
    409,
    'FAILED_PRECONDITION',
    true,
    'The platform makes one rehearsal at a time; the message names the one that runs. Wait for it, cancel it (`DELETE /api/v1/operations/{id}`), or rehearse elsewhere with `flyball rehearse`.',
  ),
  REHEARSAL_TOO_LARGE: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The platform would compute for too long; the message says how much was asked for. Name fewer policies or a shorter trace, or use `flyball rehearse`, which has no such limit.',
  ),
  REHEARSAL_ENDED: entry(
    409,
    'CANCELLED',
    true,
    'A rehearsal that the platform made was ended before it was done: cancelled, overtaken by its time limit, or by a restart of the platform; the message says which. Run it again.',
  ),
  WEBHOOK_REPLAYED: entry(
    409,
    'FAILED_PRECONDITION',
    false,
    'The notification was taken before and something later is known of all its alerts, its signature was taken before, or it was signed at a time too far from now. Nothing is done.',
  ),
  SECRET_UNUSABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'A secret that the specification names cannot be read, is empty or too short; the message says where it should be.',
  ),
  ENTRY_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'The journal has no entry of this number, or no longer.'),
  REQUEST_NOT_FOUND: entry(
    404,
    'NOT_FOUND',
    false,
    'No request of this trace is remembered: gateways keep the slowest of each minute, the failed and a sample.',
  ),
  OPERATION_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No operation has this id, or it is no longer kept.'),
  ENGINE_UNREACHABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'The engine that runs the replicas does not answer, or has no quorum of managers. What runs goes on.',
  ),
  ARTEFACT_NOT_FOUND: entry(404, 'NOT_FOUND', false, 'No artefact has this digest.'),
  DIGEST_MISMATCH: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The bytes do not have the digest that they were announced with.',
  ),
  SIGNATURE_REQUIRED: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The version is not signed and `registry.requireSignature` is on; sign it (`flyball models sign`) with a trusted key.',
  ),
  SIGNATURE_UNTRUSTED: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The version is signed, but by no key of `registry.trustedKeys`; have it signed by one, or trust the key.',
  ),
  SIGNATURE_INVALID: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    'The signature is not of this version: its files, settings, name or number are not those that were signed.',
  ),
  OUT_OF_BOUNDS: entry(
    422,
    'FAILED_PRECONDITION',
    false,
    "The wanted replicas are outside the deployment's `replicas.min` and `replicas.max`.",
  ),
  UNAUTHENTICATED: entry(
    401,
    'UNAUTHENTICATED',
    false,
    'No API key, or not a valid one: unknown, revoked and expired keys get the same answer.',
  ),
  FORBIDDEN: entry(
    403,
    'PERMISSION_DENIED',
    false,
    'The scopes or deployments of the key do not cover this, or a web page of another site asked for it; the message says what was expected.',
  ),
  CONTROL_UNAVAILABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'Control is restarting or does not answer, so nothing can be changed now; inference goes on. Try again after `Retry-After`.',
  ),
  UNREACHABLE: entry(503, 'UNAVAILABLE', true, 'The server could not be reached at its address.'),
  TIMED_OUT: entry(504, 'DEADLINE_EXCEEDED', true, 'The operation did not end within the time given; it goes on.'),
  // The machine
  PORT_IN_USE: entry(
    500,
    'UNAVAILABLE',
    false,
    'Another process listens on the port; the message names it where it can be known.',
  ),
  TLS_UNUSABLE: entry(
    500,
    'FAILED_PRECONDITION',
    false,
    'A certificate or key cannot be read, do not belong together, or are not in force; the message names the file.',
  ),
  LISTENER_NOT_LOOPBACK: entry(
    500,
    'FAILED_PRECONDITION',
    false,
    'A listener outside loopback needs authentication or `--insecure`.',
  ),
  DATA_DIR_UNUSABLE: entry(500, 'FAILED_PRECONDITION', false, 'The data directory cannot be made, read or written.'),
  DATA_DIR_LOCKED: entry(
    500,
    'FAILED_PRECONDITION',
    false,
    'Another `flyball up` owns this data directory; the message gives its process.',
  ),
  STORE_TOO_NEW: entry(
    500,
    'FAILED_PRECONDITION',
    false,
    'The store was written by a newer Flyball; use that one, or restore a backup.',
  ),
  STORE_UNUSABLE: entry(
    500,
    'FAILED_PRECONDITION',
    false,
    'The PostgreSQL server refuses, or is not one that can be used (password, rights, certificate, version, disk); the message says what was expected and what came.',
  ),
  STORE_UNREACHABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'The PostgreSQL server cannot be reached, or gave up: nothing of the call has happened. Try again; the connection is made anew.',
  ),
  STORE_UNCERTAIN: entry(
    503,
    'UNKNOWN',
    false,
    'The connection to the PostgreSQL server was lost while a change was being kept: it may have happened. Look before you ask for it again.',
  ),
  LEASE_LOST: entry(
    503,
    'UNAVAILABLE',
    true,
    'Another control has taken over, so that this one may change nothing any more: nothing of the call has happened. Try again there.',
  ),
  SERVICE_NOT_RUNNING: entry(
    503,
    'UNAVAILABLE',
    true,
    'A service of the platform does not come up on the Swarm; the message has the reason of its engine. What runs goes on.',
  ),
  STALE_TABLE: entry(
    503,
    'UNAVAILABLE',
    true,
    'The gateway acts on the tables of a control that was replaced, and has not heard of its successor: replicas take no work from it. Try again at another gateway.',
  ),
  PROTOCOL: entry(502, 'INTERNAL', false, 'The other side sent something that is not of its protocol.'),
  INTERNAL: entry(500, 'INTERNAL', false, 'A fault of Flyball itself; please report it with the request id.'),
} as const satisfies Record<string, CatalogueEntry>;

/** `WWW-Authenticate` of every 401. */
export const challenge = 'Bearer realm="flyball"';

export type ErrorCode = keyof typeof catalogue;

export interface ErrorDetails {
  /** Whole seconds after which trying again makes sense; becomes `Retry-After`. */
  readonly retryAfterSeconds?: number;
  readonly cause?: unknown;
}

/** The only error class that crosses a module boundary on purpose. */
export class FlyballError extends Error {
  override readonly name = 'FlyballError';
  readonly code: ErrorCode;
  readonly retryAfterSeconds: number | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.retryAfterSeconds = details.retryAfterSeconds;
  }

  get status(): number {
    return catalogue[this.code].status;
  }

  get grpc(): number {
    return grpcStatus[catalogue[this.code].grpc];
  }

  get retry(): boolean {
    return catalogue[this.code].retry;
  }
}

/** Anything thrown, as an error of the catalogue: what is not one already becomes INTERNAL with its cause. */
export function toFlyballError(thrown: unknown): FlyballError {
  if (thrown instanceof FlyballError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new FlyballError('INTERNAL', message, { cause: thrown });
}

/** Where a code is explained, from the root of the package: docs/errors.md#queue_full. */
export function errorLink(code: ErrorCode): string {
  return `docs/errors.md#${code.toLowerCase()}`;
}
