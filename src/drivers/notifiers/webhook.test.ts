/** Any receiver: the common suite, and that another Flyball takes it by its door and its reading. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { alertsSettings } from '../../config/alerts-specification.ts';
import { openDoor } from '../../control/alerts/door.ts';
import { systemClock } from '../../clock.ts';
import { noteAlerts } from '../../core/alerts/book.ts';
import { parsePayload } from '../../telemetry/alerts/payload.ts';
import { contentOf, notifierConformance } from '../../testing/conformance/notifier.ts';
import { httpReceiver } from '../../testing/http-receiver.ts';
import { webhookNotifier, webhookPayload } from './webhook.ts';

interface Payload {
  readonly message: { readonly title: string; readonly text: string };
}

notifierConformance('webhook', async (timeoutMs) => {
  const receiver = await httpReceiver({ status: 204 });
  return {
    notifier: webhookNotifier({ url: receiver.url, timeoutMs }, undefined, undefined),
    secret: receiver.secret,
    received: receiver.received,
    behave: (as) => receiver.behave(as),
    check(received) {
      assert.ok(Buffer.byteLength(received) <= 100_000);
      assert.equal(parsePayload(JSON.parse(received)).kind, 'group');
    },
    shown(received) {
      const { message } = JSON.parse(received) as Payload;
      return `${message.title}\n${message.text}`;
    },
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
});

test('another Flyball lets it in by its signature, once, and refuses it changed', async () => {
  await using receiver = await httpReceiver({ status: 200 });
  process.env['FLYBALL_TEST_SIGNING'] = 'a-shared-secret-of-some-length';
  const hmac = {
    secret: { env: 'FLYBALL_TEST_SIGNING' },
    header: 'X-Flyball-Signature',
    timestampHeader: 'X-Flyball-Timestamp',
  };
  const { alertmanager } = alertsSettings.parse({ webhooks: { alertmanager: { hmac } } }).webhooks;
  assert.ok(alertmanager);
  const signing = {
    secret: 'a-shared-secret-of-some-length',
    header: hmac.header,
    timestampHeader: hmac.timestampHeader,
  };
  const notifier = webhookNotifier({ url: receiver.url, timeoutMs: 30_000 }, 'a-bearer', signing);
  assert.equal((await notifier.send(contentOf('x'), new AbortController().signal)).kind, 'sent');
  const [headers] = receiver.headers;
  const body = Buffer.from(receiver.received[0] ?? '');
  assert.ok(headers);
  assert.equal(headers.authorization, 'Bearer a-bearer');
  const door = openDoor(systemClock);
  const entered = await door.enter('alertmanager', alertmanager, headers, body);
  entered.take();
  await assert.rejects(door.enter('alertmanager', alertmanager, headers, body), { code: 'WEBHOOK_REPLAYED' });
  const changed = Buffer.from(body.toString().replace('halt', 'hold'));
  await assert.rejects(door.enter('alertmanager', alertmanager, headers, changed), { code: 'UNAUTHENTICATED' });
});

test('an end resolves its beginning in the book of whoever receives it', () => {
  const at = createVirtualClock().wall();
  const read = (state: 'began' | 'ended', time: number) => {
    const content = contentOf('x', { state });
    const parsed = parsePayload(
      webhookPayload({ ...content, events: content.events.map((one) => Object.assign({}, one, { state, at: time })) }),
    );
    assert.ok(parsed.kind === 'group');
    return parsed.group.alerts;
  };
  const began = noteAlerts(new Map(), 'alertmanager', read('began', at), at);
  assert.deepEqual(
    began.changes.map(({ change }) => change),
    ['fired'],
  );
  assert.equal(began.changes[0]?.alert.labels['alertname'], 'flyball-halt');
  const over = noteAlerts(began.book, 'alertmanager', read('ended', at + 60_000), at + 60_000);
  assert.deepEqual(
    over.changes.map(({ change }) => change),
    ['resolved'],
  );
  assert.equal(over.book.size, 1);
});
