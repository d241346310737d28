/**
 * People are told: a real platform posts to a chat, sends a mail through a real SMTP server, and calls a Flyball (itself)
 * that takes its signed webhook as an alert. Control is killed while a message is on its way.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { NotificationsView } from '../../src/api/notification-schemas.ts';
import type { AlertsView } from '../../src/api/schemas.ts';
import { httpReceiver, type HttpReceiver } from '../../src/testing/http-receiver.ts';
import { smtpReceiver, type SmtpReceiver } from '../../src/testing/smtp-receiver.ts';
import { runCli } from '../support/cli.ts';
import { readExposition } from '../support/exposition.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 5
`;
const harm = '@everyone <!channel> *look* <b>here</b>';

describe('notifications of a platform that runs', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-notify-'));
  const addressFile = join(folder, 'address');
  const opened = new AsyncDisposableStack();
  let platform: Platform;
  let chat: HttpReceiver;
  let mail: SmtpReceiver;

  before(async () => {
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    chat = opened.use(await httpReceiver({ status: 200, body: 'ok' }));
    mail = opened.use(await smtpReceiver({ tls: 'none' }));
    const hmac = {
      secret: { env: 'FLYBALL_TEST_SHARED' },
      header: 'X-Flyball-Signature',
      timestampHeader: 'X-Flyball-Timestamp',
    };
    platform = opened.use(
      await startPlatform({
        models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
        env: { FLYBALL_TEST_SHARED: 'a-secret-that-both-sides-know', FLYBALL_TEST_CHAT: chat.url },
        specification: {
          models: { slow: { path: './models/slow' } },
          deployments: { slow: { model: 'slow' } },
          alerts: { webhooks: { alertmanager: { hmac } } },
          notifications: {
            channels: {
              chat: { kind: 'slack', urlFrom: { env: 'FLYBALL_TEST_CHAT' }, groupMs: 200, timeoutMs: 30_000 },
              mail: {
                kind: 'email',
                smtp: { host: '127.0.0.1', port: mail.port, tls: 'none' },
                from: 'flyball@example.org',
                to: ['ops@example.org'],
                title: '{{platform}}: {{title}}',
                events: ['halt'],
                groupMs: 200,
              },
              other: { kind: 'webhook', urlFrom: { file: addressFile }, hmac, groupMs: 200 },
            },
          },
        },
      }),
    );
    writeFileSync(addressFile, `${platform.control}/api/v1/webhooks/alertmanager\n`);
    await platform.serving();
  });
  after(() => opened.disposeAsync());

  const ask = async <View>(path: string): Promise<View> =>
    (await (await fetch(`${platform.control}/api/v1/${path}`)).json()) as View;
  const cli = (...args: readonly string[]) => runCli(args, { FLYBALL_URL: platform.control });
  const chatHas = (words: string) => chat.received.find((body) => body.includes(words));

  test('a test message goes to a channel that is named, and the answer of its receiver comes back', async () => {
    const { stdout } = await cli('doctor', '--notify', 'chat');
    assert.match(stdout, /ok +notify chat +it answered 200 ok, after \d+ ms/);
    assert.match(chatHas('A test of this channel') ?? '', /messages from here come through/);
    const wrong = await cli('doctor', '--notify', 'chatt');
    assert.match(wrong.stdout, /FAIL +notify chatt +notifications\.channels has no chatt; did you mean chat\?/);
  });

  test('a halt is told to a chat, by mail and to another Flyball, and nothing in its reason does more than stand there', async () => {
    const halted = await cli('halt', 'slow', '--reason', harm);
    assert.equal(halted.code, 0, halted.stderr);
    const body = await until('the chat to be told', () => chatHas('slow is halted by'));
    const { blocks } = JSON.parse(body) as { blocks: readonly { text: { type: string; text: string } }[] };
    assert.deepEqual(
      blocks.map(({ text }) => text.type),
      ['plain_text', 'plain_text'],
    );
    assert.equal(blocks[1]?.text.text, harm);
    const letter = await until('the mail', () => mail.received[0]);
    assert.match(letter, /^Subject: .*slow is halted by/m);
    assert.match(letter, /^Content-Type: text\/plain; charset=utf-8/m);
    const alert = await until('the other Flyball to know', async () => {
      const { alerts } = await ask<AlertsView>('alerts');
      return alerts.find(({ name }) => name === 'flyball-halt');
    });
    assert.deepEqual([alert.state, alert.labels['deployment']], ['firing', 'slow']);
  });

  test('control is killed while a message is on its way: it comes again, and the end is told', async () => {
    chat.behave('hangs');
    const before = chat.received.length;
    await cli('mode', 'slow', 'approve', '--reason', 'while it hangs');
    await until('the attempt that hangs', () => (chat.received.length > before ? true : undefined));
    process.kill(childPid(platform, 'control'), 'SIGKILL');
    chat.behave('takes');
    const again = await until('the message to come again', () =>
      chat.received.slice(before).filter((body) => body.includes('the mode is approve')).length >= 2 ? true : undefined,
    );
    assert.ok(again);
    const released = await cli('halt', 'slow', '--release', '--reason', 'seen');
    assert.equal(released.code, 0, released.stderr);
    await until('the chat to be told of the end', () => chatHas('slow is released by'));
    await until('the other Flyball to know of the end', async () => {
      const { alerts } = await ask<AlertsView>('alerts');
      return alerts.find(({ name, state }) => name === 'flyball-halt' && state === 'resolved');
    });
  });

  test('what each channel holds is shown, without its address, and counted in the metrics', async () => {
    const text = await (await fetch(`${platform.control}/api/v1/notifications`)).text();
    const { channels } = JSON.parse(text) as NotificationsView;
    assert.deepEqual(
      channels.map(({ name, to }) => [name, to]),
      [
        ['chat', 'an address that is secret'],
        ['mail', `127.0.0.1:${mail.port}`],
        ['other', 'an address that is secret'],
      ],
    );
    assert.ok(channels.every(({ sent }) => sent > 0));
    const everything = [
      text,
      JSON.stringify(await platform.status()),
      JSON.stringify(await ask('journal?limit=1000')),
      platform.output().stderr,
    ];
    for (const words of everything) assert.ok(!words.includes(chat.secret));
    const families = readExposition(await (await fetch(`${platform.metrics}/metrics`)).text());
    const sent = families.get('flyball_notifications_total')?.series ?? [];
    assert.ok(
      sent.some(({ labels, value }) => labels['channel'] === 'chat' && labels['outcome'] === 'sent' && value > 0),
    );
  });
});
