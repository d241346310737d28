/** E-mail: the common suite over STARTTLS with sign-in against a real SMTP server; TLS in each form, and what must not be sent. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { makeCertificate } from '../../testing/certificates.ts';
import { contentOf, harmful, notifierConformance } from '../../testing/conformance/notifier.ts';
import { smtpReceiver } from '../../testing/smtp-receiver.ts';
import { emailNotifier, type MailSettings } from './email.ts';

const folder = mkdtempSync(join(tmpdir(), 'fb-mail-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const files = makeCertificate(folder, 'mail');
const other = makeCertificate(folder, 'other');
const login = { user: 'flyball', password: 'correct horse' };
const signal = new AbortController().signal;

const settingsOf = (port: number, more: Partial<MailSettings> = {}): MailSettings => ({
  host: '127.0.0.1',
  port,
  tls: 'starttls',
  caFile: files.certificate,
  from: 'flyball@example.org',
  to: ['ops@example.org'],
  timeoutMs: 30_000,
  ...more,
});

/** Headers, unfolded, by name; the text, decoded. */
function read(raw: string) {
  const split = raw.indexOf('\r\n\r\n');
  const head = raw.slice(0, split).replaceAll(/\r\n[ \t]+/g, ' ');
  const headers = new Map(
    head
      .split('\r\n')
      .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 2)]),
  );
  const body = raw.slice(split + 4);
  const encoding = headers.get('content-transfer-encoding');
  const text =
    encoding === 'base64'
      ? Buffer.from(body, 'base64').toString()
      : encoding === 'quoted-printable'
        ? Buffer.from(
            body
              .replaceAll('=\r\n', '')
              .replaceAll(/=([0-9A-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
            'latin1',
          ).toString()
        : body;
  return { headers, text };
}

const wordOf = (subject: string): string =>
  subject.replaceAll(/=\?UTF-8\?([BQ])\?([^?]*)\?=\s?/gi, (_, how: string, word: string) =>
    how.toUpperCase() === 'B'
      ? Buffer.from(word, 'base64').toString()
      : Buffer.from(
          word
            .replaceAll('_', ' ')
            .replaceAll(/=([0-9A-F]{2})/g, (_hex, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
          'latin1',
        ).toString(),
  );

const wanted = new Set([
  'from',
  'to',
  'subject',
  'message-id',
  'date',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'auto-submitted',
  'x-flyball-severity',
]);

/** RFC 5322: lines of at most 998 bytes; nothing that we have not written is a header; text, and no other part. */
function checkMail(raw: string): void {
  for (const line of raw.split('\r\n')) assert.ok(Buffer.byteLength(line) <= 998);
  const { headers } = read(raw);
  assert.deepEqual(
    [...headers.keys()].filter((name) => !wanted.has(name)),
    [],
  );
  assert.match(headers.get('content-type') ?? '', /^text\/plain; charset=utf-8/);
  assert.equal(headers.get('to'), 'ops@example.org');
}

notifierConformance('email', async (timeoutMs) => {
  const receiver = await smtpReceiver({ tls: 'starttls', ...files, login });
  return {
    notifier: emailNotifier(settingsOf(receiver.port, { login, timeoutMs })),
    secret: login.password,
    received: receiver.received,
    behave: (as) => receiver.behave(as),
    check: checkMail,
    shown(raw) {
      const { headers, text } = read(raw);
      return `${wordOf(headers.get('subject') ?? '')}\n${text}`;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
});

test('STARTTLS and TLS from the first byte, signed in by PLAIN or LOGIN, or a relay without either', async () => {
  for (const tls of ['starttls', 'implicit'] as const) {
    for (const method of ['PLAIN', 'LOGIN']) {
      await using receiver = await smtpReceiver({ tls, ...files, login, methods: [method] });
      const sent = await emailNotifier(settingsOf(receiver.port, { tls, login })).send(contentOf('x'), signal);
      assert.equal(sent.kind, 'sent', sent.said);
      assert.match(sent.said, /^it took it for 1 of 1 addresses: 250 /);
      assert.deepEqual(receiver.signIns, [method]);
    }
  }
  await using relay = await smtpReceiver({ tls: 'none' });
  const sent = await emailNotifier(settingsOf(relay.port, { tls: 'none' })).send(contentOf('x'), signal);
  assert.equal(sent.kind, 'sent', sent.said);
  assert.deepEqual(relay.envelopes, [{ from: 'flyball@example.org', to: ['ops@example.org'] }]);
});

test('without TLS, with a certificate that is not trusted, or with another password nothing is sent', async () => {
  await using plain = await smtpReceiver({ tls: 'none', login });
  await using strange = await smtpReceiver({ tls: 'starttls', ...other, login });
  await using strict = await smtpReceiver({ tls: 'starttls', ...files, login });
  const cases = [
    [plain, settingsOf(plain.port, { login })],
    [plain, settingsOf(plain.port, { login, tls: 'implicit' })],
    [strange, settingsOf(strange.port, { login })],
    [strict, settingsOf(strict.port, { login: { ...login, password: 'wrong' } })],
  ] as const;
  for (const [receiver, settings] of cases) {
    const delivered = await emailNotifier(settings).send(contentOf('x'), signal);
    assert.ok(delivered.kind === 'failed' && delivered.again, delivered.said);
    assert.match(delivered.said, /^it did not take it \(E\w+\)/);
    assert.equal(receiver.received.length, 0);
  }
  assert.deepEqual([plain.signIns, strange.signIns], [[], []]);
});

test('the subject is one line whatever stands in it, and no header comes from a text', async () => {
  await using receiver = await smtpReceiver({ tls: 'none' });
  const notifier = emailNotifier(settingsOf(receiver.port, { tls: 'none' }));
  for (const text of harmful) {
    for (const kind of ['plain', 'markup'] as const) {
      await notifier.send(contentOf(text, { title: { kind, text } }), signal);
      const { headers } = read(receiver.received.at(-1) ?? '');
      assert.ok(!headers.has('bcc'));
    }
  }
  assert.ok(receiver.envelopes.every(({ to }) => to.length === 1));
  assert.equal(receiver.envelopes.length, 2 * harmful.length);
});

test('an address that is not known here is said, and does not stop the others', async () => {
  await using receiver = await smtpReceiver({ tls: 'none', unknown: ['gone@example.org'] });
  const to = ['ops@example.org', 'gone@example.org'];
  const sent = await emailNotifier(settingsOf(receiver.port, { tls: 'none', to })).send(contentOf('x'), signal);
  assert.match(sent.said, /^it took it for 1 of 2 addresses/);
});
