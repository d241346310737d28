/**
 * `flyball infer`: a file in, a readable answer out. Images and plain JSON go to /predictions, where the model's own
 * pipeline reads them; a V2 body goes to /v2. The answer is data and goes to stdout, its latency to stderr.
 */
import { request as httpRequest } from 'node:http';
import { FlyballError, catalogue, type ErrorCode } from '../../errors.ts';
import { fileRequest } from '../../load/payload.ts';
import { answerText } from '../answer-text.ts';
import { parseDurationMs } from '../arguments.ts';
import { apiKeyOf, inferenceTls } from '../connect.ts';
import { contentTypeOf } from '../content-type.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { inferenceUrl } from '../inference-address.ts';
import { formatOf, print } from '../output.ts';
import { readInput } from '../read-input.ts';
import { symbolsOf } from '../terminal.ts';
import type { TlsAccess } from '../tls-access.ts';
import { milliseconds } from '../../units.ts';

/** The server gives up at the deadline; a little later so does this side. */
const slackMs = 2000;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const [deployment = '', file = '-'] = positionals;
  const deadlineMs = parseDurationMs(stringOption(values, 'timeout') ?? '30s', '--timeout');
  const bytes = await readInput(file, terminal);
  const contentType = contentTypeOf(bytes, file, stringOption(values, 'type'));
  const base = await inferenceUrl(invocation, deployment);
  const request = fileRequest(deployment, bytes, contentType, {
    accept: 'application/json',
    'flyball-deadline-ms': String(Math.ceil(deadlineMs)),
    ...authorization(apiKeyOf(invocation)),
  });
  const url = new URL(versioned(request.path, stringOption(values, 'version')), base);
  const startedAt = performance.now();
  const tls = inferenceTls(invocation, 'http');
  const { status, text } = await send(url, request, tls, deadlineMs + slackMs, invocation.signal);
  const tookMs = performance.now() - startedAt;
  if (status < 200 || status > 299) throw failureOf(url, status, text);
  const answer = parse(text, url);
  await print(terminal, formatOf(values), {
    data: answer,
    names: () => [best(answer)],
    table: () => answerText(answer, symbolsOf(terminal.env), terminal.stdout.columns),
  });
  terminal.stderr.write(`  answered in ${milliseconds(tookMs)}\n`);
  return exitCodes.done;
}

function authorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/** /v2/models/NAME/versions/V/infer, /predictions/NAME/V. */
function versioned(path: string, version: string | undefined): string {
  if (version === undefined) return path;
  const part = encodeURIComponent(version);
  return path.endsWith('/infer') ? path.replace(/\/infer$/, `/versions/${part}/infer`) : `${path}/${part}`;
}

interface Reply {
  readonly status: number;
  readonly text: string;
}

/** node:http and not `fetch`, which takes no authority to trust. */
async function send(
  url: URL,
  request: ReturnType<typeof fileRequest>,
  tls: TlsAccess,
  timeoutMs: number,
  signal: AbortSignal,
): Promise<Reply> {
  const timeout = AbortSignal.timeout(timeoutMs);
  const open = url.protocol === 'https:' ? (await import('node:https')).request : httpRequest;
  try {
    return await new Promise<Reply>((resolve, reject) => {
      const outgoing = open(
        url,
        {
          method: request.method,
          headers: { ...request.headers, 'content-length': request.body.length },
          signal: AbortSignal.any([signal, timeout]),
          ...tls,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.on('error', reject);
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') }),
          );
        },
      );
      outgoing.on('error', reject);
      outgoing.end(request.body);
    });
  } catch (cause) {
    if (timeout.aborted) throw new FlyballError('TIMED_OUT', `${url.origin} gave no answer in time`, { cause });
    if (signal.aborted) throw cause;
    const { message, code } = cause as NodeJS.ErrnoException;
    const reason = message === '' ? (code ?? 'no reason given') : message;
    throw new FlyballError('UNREACHABLE', `the inference API at ${url.origin} cannot be reached: ${reason}`, { cause });
  }
}

/** `{"error": "…", "code": "…"}`, or TorchServe's form; another server sends less. */
function failureOf(url: URL, status: number, text: string): FlyballError {
  let body: Readonly<Partial<Record<'error' | 'code' | 'message' | 'reason', unknown>>> = {};
  try {
    body = JSON.parse(text) as typeof body;
  } catch {
    // Whatever it is, its beginning is shown.
  }
  const error = body.error ?? body.message;
  const code = body.reason ?? body.code;
  // What was sent may be quoted in it; an error is one line here.
  const words = (typeof error === 'string' ? error : text.slice(0, 300)).replaceAll('\n', '\\n');
  const known = typeof code === 'string' && Object.hasOwn(catalogue, code);
  return new FlyballError(
    known ? (code as ErrorCode) : codeOf(status),
    words === '' ? `${url.href} answered HTTP ${status}` : words,
  );
}

function codeOf(status: number): ErrorCode {
  const codes: Readonly<Record<number, ErrorCode>> = {
    400: 'INVALID_REQUEST',
    401: 'UNAUTHENTICATED',
    403: 'FORBIDDEN',
    404: 'MODEL_NOT_FOUND',
    413: 'TOO_LARGE',
    415: 'UNSUPPORTED_CONTENT',
    429: 'RATE_LIMITED',
    501: 'NOT_IMPLEMENTED',
    503: 'MODEL_NOT_READY',
    504: 'DEADLINE_EXCEEDED',
  };
  return codes[status] ?? 'INFERENCE_FAILED';
}

function parse(text: string, url: URL): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new FlyballError('PROTOCOL', `${url.origin} answered with something that is not JSON`, { cause });
  }
}

/** The answer in a word, for `-o name`. */
function best(answer: unknown): string {
  return answerText(answer, symbolsOf({}), 80).split('\n', 1)[0]?.split('  ', 1)[0] ?? '';
}
