/** Notices that playbooks send: to a real server that fails, refuses, hangs or answers. */
import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { specification } from '../../config/specification.ts';
import type { NotifySettings } from '../../config/alerts-specification.ts';
import { systemClock } from '../../clock.ts';
import { openSqliteStore } from '../../drivers/stores/sqlite.ts';
import { notification } from '../../testing/alert-bodies.ts';
import { governedWorld } from '../../testing/governed-world.ts';
import { notify } from './notify.ts';

const bearer = 'the-bearer-of-the-notice';
process.env['FLYBALL_TEST_NOTICE'] = bearer;
process.env['FLYBALL_TEST_SENDER'] = 'a-token-of-some-length';

/** Answers in turn, the last for ever; 0 hangs. */
async function listen(answers: readonly number[]) {
  const got: { readonly headers: http.IncomingHttpHeaders; readonly body: string }[] = [];
  const server = http.createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const status = answers[Math.min(got.length, answers.length - 1)] ?? 200;
      got.push({ headers: request.headers, body });
      if (status === 0) return;
      response.writeHead(status, status === 302 ? { location: '/elsewhere' } : {});
      response.end('an answer');
    });
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/secret-path`;
  return {
    url,
    got,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => void server.close(resolve));
    },
  };
}

const settingsOf = (given: object): NotifySettings => {
  const playbooks = { p: { match: { a: 'b' }, firing: { notify: given } } };
  const found = specification.parse({ alerts: { playbooks } }).alerts.playbooks['p']?.firing?.notify;
  assert.ok(found);
  return found;
};
/** Waits that pass at once; what is asked for is kept. */
function hurried() {
  const waits: number[] = [];
  const after = (ms: number, callback: () => void) => {
    waits.push(ms);
    return systemClock.after(0, callback);
  };
  return { clock: { ...systemClock, after }, waits };
}
const never = new AbortController().signal;

test('it is tried again after 1, 2, 4 s while the other side fails, and then given up', async () => {
  await using server = await listen([500, 503, 429, 200]);
  const { clock, waits } = hurried();
  const own = settingsOf({ url: server.url, bearer: { env: 'FLYBALL_TEST_NOTICE' } });
  const told = await notify(own, 'here', { a: 1 }, clock, never);
  assert.deepEqual(told, { kind: 'sent', why: 'it answered 200, 4 of 4 attempts' });
  assert.deepEqual(waits, [1000, 2000, 4000]);
  assert.equal(server.got[3]?.headers.authorization, `Bearer ${bearer}`);
  assert.equal(server.got[3]?.body, '{"a":1}');

  await using broken = await listen([500]);
  const failed = await notify(settingsOf({ url: broken.url, attemptsMax: 2 }), 'here', {}, clock, never);
  assert.deepEqual(failed, { kind: 'failed', why: 'it answered 500, 2 of 2 attempts' });
});

test('what refuses or sends elsewhere is asked once, what hangs no longer than its time', async () => {
  const { clock } = hurried();
  for (const status of [400, 404, 302]) {
    await using server = await listen([status]);
    const { kind } = await notify(settingsOf({ url: server.url }), 'here', {}, clock, never);
    assert.deepEqual([kind, server.got.length], ['failed', 1], String(status));
  }
  const closed = await listen([200]);
  const gone = closed.url;
  await closed[Symbol.asyncDispose]();
  await using hanging = await listen([0]);
  const told = await notify(settingsOf({ url: hanging.url, timeoutMs: 100, attemptsMax: 1 }), 'x', {}, clock, never);
  assert.equal(told.why, 'no answer in 100 ms, 1 of 1 attempts');
  const nobody = await notify(settingsOf({ url: gone, attemptsMax: 1 }), 'x', {}, clock, never);
  assert.match(nobody.why, /^it could not be reached \(\w+\)/);
  assert.doesNotMatch(nobody.why, /secret-path/);
  const unset = await notify(
    settingsOf({ urlFrom: { env: 'FLYBALL_NO_SUCH' }, attemptsMax: 1 }),
    'here',
    {},
    clock,
    never,
  );
  assert.match(unset.why, /^here\.urlFrom: the environment variable FLYBALL_NO_SUCH is not set/);
});

test('a playbook tells somebody, the record and the journal say how it went, and a notice that a kill cut off is sent by the next', async () => {
  await using server = await listen([500, 200]);
  await using store = openSqliteStore(':memory:');
  process.env['FLYBALL_TEST_HOOK'] = server.url;
  const { alerts } = specification.parse({
    alerts: {
      webhooks: { alertmanager: { bearer: { env: 'FLYBALL_TEST_SENDER' } } },
      playbooks: {
        tell: {
          match: { alertname: 'Slow' },
          deployment: 'd',
          firing: { scaleOut: 1, notify: { urlFrom: { env: 'FLYBALL_TEST_HOOK' } } },
        },
      },
    },
  });
  await using world = await governedWorld({}, { store, alerts });
  const headers = { authorization: 'Bearer a-token-of-some-length' };
  await world
    .alerts()
    .receiveAlerts('alertmanager', headers, notification('alertmanager', [{ summary: 'p99 is 2 s' }]));
  // The first attempt fails, and the wait for the second never passes on this clock: control is killed in it.
  while (server.got.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await world.restart();
  await world.performed();
  const { actions } = await world.alerts().alerts({ limit: 10 });
  const told = actions.find(({ action }) => action.startsWith('notify'));
  assert.deepEqual(
    [told?.action, told?.state, told?.why],
    ['notify an address that is secret', 'done', 'it answered 200, 1 of 4 attempts'],
  );
  const sent = JSON.parse(server.got[1]?.body ?? '{}') as Record<string, unknown>;
  assert.equal(sent['text'], 'tell: Slow fires');
  assert.deepEqual(
    (sent['actions'] as readonly { action: string }[]).map(({ action }) => action),
    ['scale out 1 → 2'],
  );
  await world.journal.flushed();
  const entries = await world.journal.read({ limit: 100 });
  assert.ok(entries.some(({ action }) => action === 'notify an address that is secret: done'));
  const kept = JSON.stringify([entries, actions, await store.meta('alerts.state')]);
  for (const secret of ['secret-path', 'a-token-of-some-length']) assert.ok(!kept.includes(secret), secret);
});

test('a playbook that names a channel gives it what came and what was done, once', async () => {
  await using store = openSqliteStore(':memory:');
  const { alerts } = specification.parse({
    alerts: {
      webhooks: { alertmanager: { bearer: { env: 'FLYBALL_TEST_SENDER' } } },
      playbooks: {
        tell: { match: { alertname: 'Slow' }, deployment: 'd', firing: { scaleOut: 1, notify: { channel: 'ops' } } },
      },
    },
  });
  await using world = await governedWorld({}, { store, alerts });
  const headers = { authorization: 'Bearer a-token-of-some-length' };
  const { actions } = await world
    .alerts()
    .receiveAlerts('alertmanager', headers, notification('alertmanager', [{ summary: 'p99 is 2 s' }]));
  assert.ok(actions.some(({ action }) => action === 'notify channel ops'));
  await world.performed();
  await world.restart();
  await world.performed();
  assert.deepEqual(
    world.tellings.map(({ name, event }) => [name, event.title, event.text, event.deployment, event.severity]),
    [['ops', 'tell: Slow fires', 'scale out 1 → 2: pending', 'd', 'warning']],
  );
  const told = (await world.alerts().alerts({ limit: 10 })).actions.find(({ action }) => action.startsWith('notify'));
  assert.deepEqual([told?.state, told?.why], ['done', 'the channel has it']);
});
