/**
 * E-mail over SMTP (RFC 5321) by nodemailer: STARTTLS (RFC 3207) that is required, TLS from the first byte (RFC 8314), or none.
 * It is text and nothing else, so that no HTML in it is one; the subject is one line. The connection is made here, so that
 * an attempt that is over is over down to its socket.
 */
import { readFile } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { createTransport } from 'nodemailer';
import type { Content, Delivered, Notifier } from '../../control/notifications/notifier.ts';
import { cut, oneLine, plainLines } from '../../core/notifications/text.ts';

export interface MailSettings {
  readonly host: string;
  readonly port: number;
  readonly tls: 'starttls' | 'implicit' | 'none';
  readonly caFile?: string | undefined;
  readonly login?: { readonly user: string; readonly password: string } | undefined;
  readonly from: string;
  readonly to: readonly string[];
  readonly timeoutMs: number;
}

const subjectMax = 200;
const textMax = 20_000;
const saidMax = 200;

export function emailMessage(content: Content, { from, to }: Pick<MailSettings, 'from' | 'to'>) {
  const { title, text, severity, state, platform, id } = content;
  const word = state === 'ended' ? 'resolved' : severity;
  const subject = title.kind === 'markup' ? oneLine(title.text) : oneLine(`[${platform}] ${word}: ${title.text}`);
  return {
    from: { name: 'Flyball', address: from },
    to: [...to],
    subject: cut(subject, subjectMax),
    text: `${cut(plainLines(text.text), textMax)}\n`,
    messageId: `<${id}@flyball.invalid>`,
    // RFC 3834: no answer of an absence comes back.
    headers: { 'Auto-Submitted': 'auto-generated', 'X-Flyball-Severity': severity },
    disableFileAccess: true,
    disableUrlAccess: true,
  };
}

export function emailNotifier(settings: MailSettings): Notifier {
  return {
    escape: plainLines,
    async send(content, signal) {
      try {
        return await sendMail(settings, content, AbortSignal.any([signal, AbortSignal.timeout(settings.timeoutMs)]));
      } catch (error) {
        return failure(error, settings, signal);
      }
    },
  };
}

async function sendMail(settings: MailSettings, content: Content, signal: AbortSignal): Promise<Delivered> {
  const { host, port, tls, caFile, login, timeoutMs } = settings;
  const ca = caFile === undefined ? undefined : await readFile(caFile);
  const connection = await connected(host, port, signal);
  const abort = (): void => void connection.destroy(signal.reason as Error);
  signal.addEventListener('abort', abort, { once: true });
  try {
    const transport = createTransport({
      host,
      port,
      connection,
      secure: tls === 'implicit',
      requireTLS: tls === 'starttls',
      ignoreTLS: tls === 'none',
      tls: { servername: host, ...(ca && { ca }) },
      ...(login && { auth: { user: login.user, pass: login.password } }),
      connectionTimeout: timeoutMs,
      greetingTimeout: timeoutMs,
      socketTimeout: timeoutMs,
    });
    const { accepted, rejected, response } = await transport.sendMail(emailMessage(content, settings));
    const told = `${accepted.length} of ${accepted.length + rejected.length} addresses`;
    return { kind: 'sent', said: cut(oneLine(`it took it for ${told}: ${response}`), saidMax) };
  } finally {
    signal.removeEventListener('abort', abort);
    connection.destroy();
  }
}

async function connected(host: string, port: number, signal: AbortSignal): Promise<Socket> {
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const socket = connect({ host, port, signal });
  socket.once('connect', resolve);
  socket.once('error', reject);
  await promise;
  socket.off('error', reject);
  // Whoever reads from it next hears of errors itself; until then one must not end the process.
  socket.on('error', () => undefined);
  return socket;
}

function failure(error: unknown, { timeoutMs }: MailSettings, stopped: AbortSignal): Delivered {
  const fields = (error ?? {}) as {
    readonly code?: unknown;
    readonly responseCode?: unknown;
    readonly response?: unknown;
  };
  const { code, responseCode, response } = fields;
  const isLate = error instanceof Error && (error.name === 'TimeoutError' || code === 'ETIMEDOUT');
  const answered = typeof response === 'string' ? `: ${response}` : '';
  const words = stopped.aborted
    ? 'the platform stops'
    : isLate || isAbort(error)
      ? `no answer in ${timeoutMs} ms`
      : `it did not take it (${typeof code === 'string' ? code : 'no code'})${answered}`;
  const why = cut(oneLine(words), saidMax);
  // RFC 5321, 4.2.1: 5yz is for ever, of this message; who signs in wrongly can be given another password.
  const isFinal =
    typeof responseCode === 'number' && responseCode >= 500 && (code === 'EENVELOPE' || code === 'EMESSAGE');
  return { kind: 'failed', why, said: why, again: !isFinal };
}

const isAbort = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';
