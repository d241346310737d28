/** What every client may count on, on a real control: tags, keys of requests, pages, and that each act leaves its entry. */
import assert from 'node:assert/strict';
import { createHash, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { deploymentSpecification, specification } from '../config/specification.ts';
import type { Control } from '../control/control-options.ts';
import { signVersion } from '../registry/signing.ts';
import { deploymentOf, ended, machine } from '../testing/control-machine.ts';
import { until } from '../testing/until.ts';
import type { OperationView } from './schemas.ts';
import { routes } from './routes.ts';
import { startApi, type ApiServer } from './server.ts';

const limits = { bodyBytesMax: 100_000, headerBytesMax: 16_384, connectionsMax: 100 };

function serve(control: Control): Promise<ApiServer> {
  const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;
  return startApi({ control: control.service, version: '0.0.0', limits, listen });
}

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

async function ask(api: ApiServer, method: string, path: string, more: Asked = {}): Promise<Answer> {
  const { json, bytes, headers = {} } = more;
  const body = json === undefined ? bytes : JSON.stringify(json);
  const type = json === undefined ? 'application/octet-stream' : 'application/json';
  const answer = await fetch(`http://127.0.0.1:${api.address.port}/api/v1${path}`, {
    method,
    headers: { ...(body !== undefined && { 'content-type': type }), ...headers },
    ...(body !== undefined && { body }),
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, body: text === '' ? undefined : JSON.parse(text) };
}

interface Asked {
  readonly json?: unknown;
  readonly bytes?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const codeOf = ({ status, body }: Answer): readonly unknown[] => [status, (body as { code?: string }).code];
// Nobody listens there: that somebody tried is what is looked for.
const channels = { ops: { kind: 'webhook', url: 'http://127.0.0.1:9/', timeoutMs: 100 } };
const resolved = { specification: specification.parse({ notifications: { channels } }), models: {} };

test('what was read is changed only as it was read: a mode, a deployment, the specification', async () => {
  await using place = await machine();
  await using control = await place.start();
  await using api = await serve(control);
  await ended(control, await control.service.deploy('d', { deployment: deploymentOf('m:1'), by: 'ada' }));
  const change = { mode: 'auto', reason: 'I have watched it', by: 'ada' };
  const cases = [
    { read: '/deployments/d/mode', write: '/deployments/d/mode', json: change },
    { read: '/deployments/d/specification', write: '/deployments/d', json: { deployment: deploymentOf('m:1', 2) } },
    { read: '/specification', write: '/specification', json: { resolved, by: 'ada' } },
  ];
  for (const { read, write, json } of cases) {
    const first = await ask(api, 'GET', read);
    const etag = first.headers.get('etag') ?? '';
    assert.match(etag, /^"[\w-]{22}"$/);
    assert.equal((await ask(api, 'GET', read, { headers: { 'if-none-match': etag } })).status, 304);
    const stale = await ask(api, 'PUT', write, { json, headers: { 'if-match': '"of-yesterday"' } });
    assert.deepEqual(codeOf(stale), [412, 'PRECONDITION_FAILED'], write);
    assert.equal((await ask(api, 'GET', read)).headers.get('etag'), etag, 'nothing was changed');
    // Two who have read the same: one of them changes it.
    const both = await Promise.all([0, 1].map(() => ask(api, 'PUT', write, { json, headers: { 'if-match': etag } })));
    const statuses = both.map(({ status }) => status).toSorted((left, right) => left - right);
    assert.ok((statuses[0] ?? 0) < 300 && statuses[1] === 412, `${write}: ${statuses.join(', ')}`);
    const now = await ask(api, 'GET', read, { headers: { 'if-none-match': etag } });
    assert.equal(now.status, 200);
    assert.notEqual(now.headers.get('etag'), etag);
  }
  const made = { json: { deployment: deploymentOf('m:1') }, headers: { 'if-none-match': '*' } };
  assert.equal((await ask(api, 'PUT', '/deployments/e', made)).status, 202);
  assert.equal((await ask(api, 'PUT', '/deployments/e', made)).status, 412);
});

test('a request with the same Idempotency-Key is done once, also when control was started again in between', async () => {
  await using place = await machine();
  const order = { json: { deployment: deploymentOf('m:1'), by: 'ada' }, headers: { 'idempotency-key': '"a-1"' } };
  let first: Answer;
  {
    await using control = await place.start();
    await using api = await serve(control);
    first = await ask(api, 'PUT', '/deployments/d', order);
    assert.equal(first.status, 202);
    assert.equal(first.headers.get('idempotency-replayed'), null);
    await ended(control, first.body as OperationView);
  }
  await using control = await place.start();
  await using api = await serve(control);
  const again = await ask(api, 'PUT', '/deployments/d', order);
  assert.deepEqual([again.status, again.body], [202, first.body]);
  assert.equal(again.headers.get('idempotency-replayed'), 'true');
  assert.equal((await control.service.operations({})).length, 1);
  const other = await ask(api, 'PUT', '/deployments/d', { ...order, json: { ...order.json, by: 'bob' } });
  assert.deepEqual(codeOf(other), [422, 'IDEMPOTENCY_KEY_REUSED']);
  const scale = { json: { replicas: 9 }, headers: { 'idempotency-key': 'b' } };
  const outside = await ask(api, 'POST', '/deployments/d/scale', scale);
  assert.deepEqual(codeOf(await ask(api, 'POST', '/deployments/d/scale', scale)), codeOf(outside));
  assert.deepEqual(codeOf(outside), [422, 'OUT_OF_BOUNDS']);
  const key = { json: { name: 'ward-7', scopes: ['infer'] }, headers: { 'idempotency-key': 'c' } };
  const made = await ask(api, 'POST', '/keys', key);
  assert.equal(made.status, 201);
  assert.deepEqual(codeOf(await ask(api, 'POST', '/keys', key)), [409, 'IDEMPOTENCY_UNKNOWN']);
  assert.equal((await control.service.keys()).length, 1);
  const odd = await ask(api, 'POST', '/keys', { ...key, headers: { 'idempotency-key': 'a b' } });
  assert.deepEqual(codeOf(odd), [400, 'INVALID_REQUEST']);
});

test('the links of a list lead through all of it, each row once', async () => {
  await using place = await machine();
  await using control = await place.start();
  await using api = await serve(control);
  for (const name of ['a', 'b', 'c', 'd', 'e']) {
    await ended(control, await control.service.deploy(name, { deployment: deploymentOf('m:1', 0), by: 'ada' }));
    await control.service.createKey({ name, scopes: ['read'], by: 'ada' });
    await control.service.keepRehearsal(name, rehearsal);
  }
  await until('the journal has them', async () => (await control.service.journal({}, 0, never)).length >= 15);
  const named = (row: unknown): unknown => (row as { id?: unknown }).id ?? (row as { name: unknown }).name;
  const lists = ['/journal', '/journal?order=newest', '/operations', '/rehearsals', '/deployments', '/models', '/keys'];
  for (const list of lists) {
    const whole = ((await ask(api, 'GET', `${list}${list.includes('?') ? '&' : '?'}limit=100`)).body as unknown[]).map(
      named,
    );
    assert.ok(whole.length > 0, list);
    const got: unknown[] = [];
    let next: string | undefined = `${list}${list.includes('?') ? '&' : '?'}limit=2`;
    for (let pages = 0; next !== undefined && pages < 100; pages += 1) {
      const { status, headers, body } = await ask(api, 'GET', next);
      assert.equal(status, 200, next);
      const rows = (body as unknown[]).map(named);
      assert.ok(rows.length <= 2);
      got.push(...rows);
      next = /^<\/api\/v1([^>]+)>; rel="next"$/.exec(headers.get('link') ?? '')?.[1];
    }
    // The journal goes on meanwhile.
    assert.deepEqual(got.slice(0, whole.length), whole, list);
  }
  assert.deepEqual(((await ask(api, 'GET', '/alerts?skip=5')).body as { alerts: unknown[] }).alerts, []);
});

const never = new AbortController().signal;
const rehearsal = {
  setting: 'a day of the shop',
  min: 1,
  max: 4,
  tolerated: 0.01,
  verdict: [],
  report: {
    trace: 'shop',
    seed: 1,
    simulatedSeconds: 60,
    wallSeconds: 1,
    requests: 100,
    policies: [
      {
        name: 'slo',
        parameters: {},
        violationFraction: 0,
        shedFraction: 0,
        p50Ms: 1,
        p99Ms: 2,
        replicaSeconds: 60,
        cost: 1,
        actions: 1,
        flaps: 0,
      },
    ],
    clairvoyant: { replicaSeconds: 50 },
  },
  by: 'ada',
};

const text = `platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
`;
const digest = `sha256:${createHash('sha256').update(text).digest('hex')}`;

/**
 * One request of each acting route, in an order in which each finds what it needs. `by` is who asks.
 * Elsewhere: signing in and out needs keys (sign-in/sign-in.test.ts), alerts prove themselves (webhooks.test.ts).
 */
const elsewhere = new Set(['signIn', 'signOut', 'receiveAlerts']);
const acts: readonly (readonly [string, string, string, ((by: string) => Asked)?])[] = [
  ['approve', 'POST', '/approvals/{first}/approve', (by) => ({ json: { by } })],
  ['reject', 'POST', '/approvals/{second}/reject', (by) => ({ json: { by } })],
  ['applySpecification', 'PUT', '/specification', (by) => ({ json: { resolved, by } })],
  ['testNotification', 'POST', '/notifications/ops/test', (by) => ({ json: { by } })],
  ['putArtefact', 'PUT', `/artefacts/${digest}`, () => ({ bytes: text })],
  ['addVersion', 'POST', `/models/n/versions?modelFile=${digest}`],
  ['signVersion', 'PUT', '/models/n/versions/1/signatures', (by) => ({ json: { by } })],
  ['setAlias', 'PUT', '/models/n/aliases/champion', (by) => ({ json: { version: 1, by } })],
  ['removeAlias', 'DELETE', '/models/n/aliases/champion'],
  ['removeVersion', 'DELETE', '/models/n/versions/1'],
  ['removeModel', 'DELETE', '/models/m2'],
  ['deploy', 'PUT', '/deployments/e', (by) => ({ json: { deployment: deploymentOf('m:1'), by } })],
  ['scale', 'POST', '/deployments/e/scale', (by) => ({ json: { replicas: 2, by } })],
  [
    'runRehearsal',
    'POST',
    '/deployments/e/rehearsals/run',
    (by) => ({ json: { trace: 'shape:flash', mean: 50, durationSeconds: 3600, by } }),
  ],
  ['cancelOperation', 'DELETE', '/operations/{run}'],
  ['keepRehearsal', 'POST', '/deployments/e/rehearsals', (by) => ({ json: { ...rehearsal, by } })],
  ['setMode', 'PUT', '/deployments/e/mode', (by) => ({ json: { mode: 'auto', reason: 'I watch it', by } })],
  ['haltDeployment', 'PUT', '/deployments/e/halt', (by) => ({ json: { by } })],
  ['releaseDeployment', 'DELETE', '/deployments/e/halt?reason=done'],
  ['halt', 'PUT', '/governor/halt', (by) => ({ json: { by } })],
  ['release', 'DELETE', '/governor/halt?reason=done'],
  ['removeDeployment', 'DELETE', '/deployments/e'],
  ['createKey', 'POST', '/keys', (by) => ({ json: { name: 'ward-7', scopes: ['read'], by } })],
  ['revokeKey', 'DELETE', '/keys/{key}'],
  ['shutdown', 'POST', '/shutdown', (by) => ({ json: { by } })],
];

async function signatureOf({ service }: Control): Promise<string> {
  const [version] = (await service.model('n')).versions;
  assert.ok(version !== undefined);
  const { digest: signed, content } = version;
  return signVersion(
    { model: 'n', digest: signed, file: content.file, ...content },
    undefined,
    generateKeyPairSync('ed25519').privateKey,
  );
}

test('each act leaves an entry in the journal with whoever asked for it', async () => {
  await using place = await machine();
  await using control = await place.start();
  await using api = await serve(control);
  // Each wants a second replica, and asks for it.
  const scaling = { policy: 'fixed', parameters: { count: 2 }, mode: 'approve', modeReason: 'a test' };
  const asking = deploymentSpecification.parse({ model: 'm:1', replicas: { min: 1, max: 4 }, scaling });
  for (const name of ['d', 'f'])
    await ended(control, await control.service.deploy(name, { deployment: asking, by: 'test' }));
  const waiting = await until('changes that wait', async () => {
    const { approvals } = await control.service.governor();
    return approvals.length === 2 ? approvals : undefined;
  });
  const upload = { bytes: text };
  assert.equal((await ask(api, 'PUT', `/artefacts/${digest}?by=test`, upload)).status, 201);
  assert.equal((await ask(api, 'POST', `/models/m2/versions?modelFile=${digest}&by=test`)).status, 201);

  const acting = routes.filter((route) => route.acts !== undefined && !elsewhere.has(route.id));
  assert.deepEqual(acts.map(([id]) => id).toSorted(), acting.map(({ id }) => id).toSorted());
  const ids: Record<string, string> = { first: waiting[0]?.id ?? '', second: waiting[1]?.id ?? '' };
  for (const [id, method, path, more] of acts) {
    const route = acting.find((each) => each.id === id);
    assert.equal(route?.method, method, id);
    const by = `who ${id}`;
    const given: { -readonly [Key in keyof Asked]: Asked[Key] } = more?.(by) ?? {};
    const query = given.json === undefined ? `${path.includes('?') ? '&' : '?'}by=${encodeURIComponent(by)}` : '';
    if (id === 'signVersion') given.json = { by, signatures: [await signatureOf(control)] };
    const { status, body } = await ask(
      api,
      method,
      path.replace(/\{(\w+)\}/, (_, name: string) => ids[name] ?? '') + query,
      given,
    );
    assert.ok(status < 300, `${id}: ${status} ${JSON.stringify(body)}`);
    if (id === 'createKey') ids['key'] = (body as { id: string }).id;
    if (id === 'runRehearsal') ids['run'] = (body as { id: string }).id;
    const entry = await until(`an entry by whoever asked for ${id}`, async () =>
      (await control.service.journal({ newestFirst: true }, 0, never)).find((each) => each.by === by),
    );
    assert.ok(entry.subject !== '' && entry.action !== '', id);
  }
});
