/** Webhooks over the control API: who gets in, what is refused, and that what is refused does nothing and is counted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { openAuthenticator } from '../auth/authenticator.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { systemClock } from '../clock.ts';
import { specification } from '../config/specification.ts';
import type { ControlService } from '../control/control-service.ts';
import { signatureOf } from '../telemetry/alerts/signature.ts';
import { subscribe } from '../telemetry/events.ts';
import { openRegistry } from '../telemetry/registry.ts';
import { recordRequests } from '../telemetry/request-metrics.ts';
import { notification } from '../testing/alert-bodies.ts';
import { governedWorld } from '../testing/governed-world.ts';
import type { AlertsTaken, AlertsView, Problem } from './schemas.ts';
import { startApi } from './server.ts';

const secret = 'a-secret-of-some-length';
process.env['FLYBALL_TEST_WEBHOOK'] = secret;
const place = { env: 'FLYBALL_TEST_WEBHOOK' };
const { alerts } = specification.parse({
  alerts: {
    webhooks: {
      alertmanager: { bearer: place },
      grafana: { hmac: { secret: place, timestampHeader: 'X-Grafana-Alerting-Timestamp' } },
    },
    playbooks: { more: { match: { alertname: 'Slow' }, deployment: 'd', firing: { scaleOut: 1 } } },
  },
});
const limits = { bodyBytesMax: 64 * 1024 * 1024, headerBytesMax: 16_384, connectionsMax: 100 };

async function served({ keys = false } = {}) {
  const world = await governedWorld({}, { alerts });
  const api = await startApi({
    control: {
      ...world.alerts(),
      live: () => true,
      ready: () => true,
      signInMemory: openSqliteStore(':memory:'),
    } as unknown as ControlService,
    version: '0.0.0',
    limits,
    listen: { kind: 'port', host: '127.0.0.1', port: 0 },
    ...(keys ? { auth: openAuthenticator(systemClock) } : {}),
  });
  const url = `http://127.0.0.1:${api.address.port}/api/v1`;
  const outcomes: string[] = [];
  const unsubscribe = subscribe('flyball:webhook', ({ sender, outcome }) => void outcomes.push(`${sender} ${outcome}`));
  return {
    world,
    url,
    outcomes,
    async post(sender: string, body: Uint8Array<ArrayBuffer> | string, headers: Record<string, string> = {}) {
      const type = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/webhooks/${sender}`, {
        method: 'POST',
        body,
        headers: { ...type, ...headers },
      });
      return { status: response.status, body: (await response.json()) as AlertsTaken & Problem };
    },
    async [Symbol.asyncDispose]() {
      unsubscribe();
      await api[Symbol.asyncDispose]();
      await world[Symbol.asyncDispose]();
    },
  };
}

const bearer = { authorization: `Bearer ${secret}` };
const bytes = (body: Buffer): Uint8Array<ArrayBuffer> => new Uint8Array(body);
const firing = bytes(notification('alertmanager', [{}]));

test('Alertmanager with its bearer and Grafana with its signature are taken, API keys or not, and everything is shown', async () => {
  await using server = await served({ keys: true });
  const taken = await server.post('alertmanager', firing, bearer);
  assert.deepEqual([taken.status, taken.body.fired, taken.body.actions[0]?.action], [200, 1, 'scale out 1 → 2']);
  const body = notification('grafana', [{ name: 'Other', summary: 'p99 is high' }], { orgId: 2 });
  const timestamp = String(Math.floor(server.world.clock.wall() / 1000));
  const signed = {
    'x-grafana-alerting-signature': signatureOf(secret, body, timestamp),
    'x-grafana-alerting-timestamp': timestamp,
  };
  assert.equal((await server.post('grafana', bytes(body), signed)).status, 200);
  const again = await server.post('grafana', bytes(body), signed);
  assert.deepEqual([again.status, again.body.code], [409, 'WEBHOOK_REPLAYED']);
  assert.deepEqual(server.outcomes, ['alertmanager accepted', 'grafana accepted', 'grafana WEBHOOK_REPLAYED']);

  const listed = await server.world.alerts().alerts({ limit: 10 });
  assert.deepEqual(
    listed.alerts.map(({ name, source, state }) => `${name} ${source} ${state}`),
    ['Slow alertmanager firing', 'Other grafana/2 firing'],
  );
  const asked = await fetch(`${server.url}/alerts`);
  assert.equal(asked.status, 401, 'who wants to read needs a key');
});

test('without keys anybody here may read what came and what was done', async () => {
  await using server = await served();
  await server.post('alertmanager', firing, bearer);
  const view = (await (await fetch(`${server.url}/alerts?state=firing&limit=5`)).json()) as AlertsView;
  assert.deepEqual([view.alerts.length, view.actions[0]?.playbook, view.actions[0]?.state], [1, 'more', 'pending']);
  assert.equal((await fetch(`${server.url}/alerts?state=loud`)).status, 400);
});

test('malformed, huge, misdirected and unauthenticated: 4xx, counted, and nothing is done', async () => {
  await using server = await served();
  const registry = openRegistry();
  const unsubscribe = recordRequests(registry);
  const before = server.world.alerts();
  const huge = `{"version":"4","x":"${'x'.repeat(1_100_000)}"}`;
  const text = notification('alertmanager', [{}]).toString();
  const cases: readonly (readonly [
    string,
    string | Uint8Array<ArrayBuffer>,
    Record<string, string>,
    number,
    string,
  ])[] = [
    ['alertmanager', firing, {}, 401, 'UNAUTHENTICATED'],
    ['alertmanager', firing, { authorization: 'Bearer nobody-knows-this-one' }, 401, 'UNAUTHENTICATED'],
    ['grafana', firing, bearer, 401, 'UNAUTHENTICATED'],
    [
      'grafana',
      firing,
      { 'x-grafana-alerting-signature': 'ab'.repeat(32), 'x-grafana-alerting-timestamp': '1' },
      401,
      'UNAUTHENTICATED',
    ],
    ['alertmanager', huge, bearer, 413, 'TOO_LARGE'],
    ['alertmanager', huge, {}, 401, 'UNAUTHENTICATED'],
    ['alertmanager', '', bearer, 400, 'INVALID_JSON'],
    ['alertmanager', '{', bearer, 400, 'INVALID_JSON'],
    ['alertmanager', '['.repeat(100_000), bearer, 400, 'INVALID_JSON'],
    ['alertmanager', new Uint8Array([0xff, 0xfe, 0x7b]), bearer, 400, 'INVALID_JSON'],
    ['alertmanager', 'null', bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', '[]', bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', text.replace('"4"', '"9"'), bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', text.replace('1970-01-01', 'yesterday'), bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', text.replace('"Slow"', '{"__proto__":1}'), bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', bytes(notification('grafana', [{}])), bearer, 400, 'INVALID_REQUEST'],
    ['alertmanager', firing, { ...bearer, 'content-type': 'text/plain' }, 415, 'UNSUPPORTED_CONTENT'],
    ['alertmanager', firing, { ...bearer, 'content-encoding': 'gzip' }, 415, 'UNSUPPORTED_CONTENT'],
    ['alertmanager', firing, { ...bearer, origin: 'https://attacker.example' }, 403, 'FORBIDDEN'],
    ['pagerduty', firing, bearer, 404, 'NOT_FOUND'],
    ['__proto__', firing, bearer, 404, 'NOT_FOUND'],
  ];
  for (const [sender, body, headers, status, code] of cases) {
    const answer = await server.post(sender, body, headers);
    assert.deepEqual([answer.status, answer.body.code], [status, code], `${sender}: ${answer.body.detail}`);
    assert.ok(!answer.body.detail.includes(secret));
  }
  assert.deepEqual(await before.alerts({ limit: 10 }), { alerts: [], actions: [] });
  assert.equal((await server.world.journal.read({ limit: 10 })).length, 0);
  unsubscribe();
  const family = registry.families().find(({ name }) => name === 'flyball_webhooks_total');
  const counted = (family?.samples ?? []).map((sample) => ('value' in sample ? sample.value : 0));
  assert.equal(
    counted.reduce((sum, value) => sum + value, 0),
    cases.length,
  );
  const senders = new Set(family?.samples.map(({ labels }) => labels['sender'] ?? ''));
  assert.deepEqual(
    [...senders].toSorted((left, right) => (left < right ? -1 : 1)),
    ['alertmanager', 'grafana', 'other'],
    'whoever makes names up makes no series',
  );
});

test('law: whatever comes with a good bearer is taken or refused, and never a fault', async () => {
  await using server = await served();
  const faults: string[] = [];
  const unsubscribe = subscribe('flyball:fault', ({ message }) => void faults.push(message));
  const base = JSON.parse(notification('alertmanager', [{}]).toString()) as Record<string, unknown>;
  const keys = fc.constantFrom(...Object.keys(base), '__proto__', 'other');
  await fc.assert(
    fc.asyncProperty(keys, fc.jsonValue(), async (key, value) => {
      const { status } = await server.post('alertmanager', JSON.stringify({ ...base, [key]: value }), bearer);
      assert.ok(status < 500, String(status));
    }),
    { numRuns: 60 },
  );
  const extremes = [
    { startsAt: '9999-12-31T23:59:59Z' },
    { labels: {} },
    { fingerprint: 'x'.repeat(10_000) },
    { values: { B: 1e308 } },
  ];
  for (const extreme of extremes) {
    const [alert] = base['alerts'] as readonly object[];
    const { status } = await server.post(
      'alertmanager',
      JSON.stringify({ ...base, alerts: [{ ...alert, ...extreme }] }),
      bearer,
    );
    assert.ok(status < 500, JSON.stringify(extreme));
  }
  unsubscribe();
  assert.deepEqual(faults, []);
  const { alerts: listed } = await server.world.alerts().alerts({ limit: 1000 });
  assert.ok(JSON.stringify(listed).length < 2000 * listed.length + 2000);
});
