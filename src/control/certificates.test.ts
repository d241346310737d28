/** Certificates that live for seconds, over real TLS on this machine: who gets the next one, and who is turned away. */
import assert from 'node:assert/strict';
import https from 'node:https';
import { test } from 'node:test';
import { X509Certificate } from 'node:crypto';
import { systemClock } from '../clock.ts';
import { openReplicaConnection } from '../gateway/replica-connection.ts';
import { seededRng } from '../rng.ts';
import { startSimulatedReplica } from '../testing/simulated-replica.ts';
import { until } from '../testing/until.ts';
import { askDoors } from '../tls/ask-certificate.ts';
import { makeAuthority, makeKey } from '../tls/authority.ts';
import { liveIdentity } from '../tls/live-identity.ts';
import { callOptions, type PeerIdentity } from '../tls/peer.ts';
import { identityOf } from '../tls/platform-authority.ts';
import { keepRenewed } from '../tls/renewing.ts';
import { openIssuer } from './certificates.ts';
import { openDoor } from './door.ts';

const authority = makeAuthority('test', Date.now());
const dayMs = 86_400_000;
const as = (name: string, lifetimeMs = dayMs, at = Date.now()): PeerIdentity =>
  identityOf(authority, name, 'peer', at, lifetimeMs);
/** Life in the certificate is of whole seconds. */
const secondMs = 1000;

async function controlDoor({ lifetimeMs = dayMs, mayIssue = (): boolean => true, port = 0 } = {}) {
  const certificates = openIssuer({ authority, clock: systemClock, lifetimeMs, mayIssue });
  const refusals: string[] = [];
  const door = await openDoor({
    identity: as('control'),
    host: '127.0.0.1',
    port,
    artefacts: { path: async () => '', find: async () => undefined },
    certificates,
    onRefused: (reason) => refusals.push(reason),
  });
  return {
    door,
    url: `https://127.0.0.1:${door.port}`,
    refusals,
    counts: () => certificates.counts(),
    [Symbol.asyncDispose]: () => door[Symbol.asyncDispose](),
  };
}

const ask = (url: string, identity: PeerIdentity, publicKey = makeKey().publicKey): Promise<string> =>
  askDoors([url], identity)(publicKey, new AbortController().signal);

test('who shows a certificate in force gets the next one of the same name, and no other', async () => {
  await using control = await controlDoor({ lifetimeMs: 3_600_000 });
  for (const name of ['replica/digits_v1-0f', 'gateway']) {
    const { publicKey } = makeKey();
    const certificate = new X509Certificate(await ask(control.url, as(name), publicKey));
    assert.equal(certificate.subjectAltName, `URI:flyball://${name}`);
    assert.equal(certificate.publicKey.export({ type: 'spki', format: 'pem' }), publicKey);
    const left = certificate.validToDate.getTime() - Date.now();
    assert.ok(left > 3_500_000 && left <= 3_600_000, `${left} ms`);
  }
  assert.deepEqual(control.counts(), { replica: 1, gateway: 1 });
  for (const name of ['control', 'somebody', 'replica/'])
    await assert.rejects(ask(control.url, as(name)), /answered 403: a certificate for .* is not renewed here/, name);
  await assert.rejects(ask(control.url, as('gateway'), 'hello'), /answered 400: expected a public key on P-256/);
  await assert.rejects(ask(control.url, as('gateway'), 'x'.repeat(5000)), /answered 413/);
  assert.deepEqual(control.counts(), { replica: 1, gateway: 1 });
});

test('one that has expired, or is not in force yet, is turned away in the handshake, in words that say why', async () => {
  await using control = await controlDoor();
  const past = Date.now() - 10 * secondMs;
  await assert.rejects(ask(control.url, as('replica/a', secondMs, past)), /control at .* does not take it/);
  await until('it to be told', () => control.refusals.length === 1);
  await assert.rejects(ask(control.url, as('replica/a', dayMs, Date.now() + 2 * 3_600_000)), /does not take it/);
  await until('it to be told', () => control.refusals.length === 2);
  assert.match(control.refusals[0] ?? '', /^a caller was turned away: its certificate has expired$/);
  assert.match(control.refusals[1] ?? '', /not in force yet: do the clocks of the two machines agree\?$/);
});

test('a control that may not act any more issues nothing, and the next door is asked', async () => {
  await using replaced = await controlDoor({ mayIssue: () => false });
  await using acting = await controlDoor();
  await assert.rejects(ask(replaced.url, as('gateway')), /answered 421: this control was replaced and issues nothing/);
  const { publicKey } = makeKey();
  const signal = new AbortController().signal;
  assert.match(await askDoors([replaced.url, acting.url], as('gateway'))(publicKey, signal), /BEGIN CERTIFICATE/);
});

test('a door that shows another identity is told nothing', async () => {
  const server = https.createServer({ ...callOptions(as('gateway'), ''), requestCert: true }, () => assert.fail());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await assert.rejects(ask(`https://127.0.0.1:${port}`, as('replica/a')), /expected the certificate of control/);
  server.close();
});

function replicaAt({ certificate, key, authority: trusted }: PeerIdentity) {
  const shown = { certificate, key, authority: trusted };
  return startSimulatedReplica(
    { kind: 'tcp', host: '127.0.0.1', port: 0, tls: shown },
    { clock: systemClock, serviceMs: 5 },
  );
}

test('a replica renews its certificate while calls run: none fails, and whoever connects is served', async () => {
  const lifetimeMs = 6 * secondMs;
  await using control = await controlDoor({ lifetimeMs });
  const identity = liveIdentity(as('replica/a', lifetimeMs));
  await using runner = await replicaAt(identity);
  await until('it to be loaded', () => runner.state.kind === 'ready');
  let renewals = 0;
  const refused: string[] = [];
  const stop = keepRenewed({
    identity,
    ask: askDoors([control.url], identity),
    clock: systemClock,
    rng: seededRng(7),
    onRenewed: () => (renewals += 1),
    onTrouble: () => {},
    onRefused: (message) => refused.push(message),
  });
  identity.onReplaced((next) => runner.renew(next));
  const gateway = as('gateway');
  const connect = (onChange = (): void => {}) =>
    openReplicaConnection(
      { id: 'a', address: { kind: 'tcp', host: '127.0.0.1', port: runner.port ?? 0, tls: true }, state: 'ready' },
      { onChange, onCostCurve: () => {}, onAnswer: () => {} },
      { clock: systemClock, frameBytesMax: 1 << 20, identity: gateway },
    );
  const call = (connection: ReturnType<typeof connect>): Promise<string> =>
    new Promise((resolve) => {
      const payload = {
        kind: 'tensors' as const,
        parts: [{ name: 'x', datatype: 'FP32' as const, shape: [1, 2], byteLength: 8 }],
      };
      connection.infer({ items: [{ rows: 1, requestId: 'r' }], payload }, [new Uint8Array(8)], {
        onResult: ({ error }) => resolve(error?.message ?? 'ok'),
        onLost: resolve,
      });
    });

  // One connection is older than every certificate that follows; others are made all the time.
  const first = connect();
  await until('the first to be ready', () => first.ready);
  let calls = 0;
  let connections = 0;
  const failures: string[] = [];
  const note = (outcome: string): void => {
    calls += 1;
    if (outcome !== 'ok') failures.push(outcome);
  };
  while (renewals < 2) {
    const another = connect();
    await until('another to be ready', () => another.ready);
    connections += 1;
    for (let round = 0; round < 10; round += 1) (await Promise.all([call(first), call(another)])).forEach(note);
    another.close();
  }
  first.close();
  assert.deepEqual(failures, []);
  assert.deepEqual(refused, []);
  assert.ok(calls > 20 && connections > 1);
  stop();
  // Nobody renews it any more: what is open would go on, a newcomer is not fooled.
  await until('it to have expired', () => Date.now() > new X509Certificate(identity.certificate).validToDate.getTime());
  let changes = 0;
  const late = connect(() => (changes += 1));
  await until('a newcomer to turn away twice', () => changes >= 2);
  assert.equal(late.ready, false);
  late.close();
});

test('whoever could not renew in time goes on serving, and ends when control is back and does not take it', async () => {
  const lifetimeMs = 2 * secondMs;
  const first = await controlDoor();
  const { port } = first.door;
  await first[Symbol.asyncDispose]();
  const identity = liveIdentity(as('replica/a', lifetimeMs));
  const heard: string[] = [];
  keepRenewed({
    identity,
    ask: askDoors([`https://127.0.0.1:${port}`], identity),
    clock: systemClock,
    rng: seededRng(7),
    onTrouble: (message) => heard.push(message),
    onRefused: (message) => heard.push(message),
  });
  await until('it to have expired', () => Date.now() > new X509Certificate(identity.certificate).validToDate.getTime());
  assert.equal(heard.length, 1, heard.join('\n'));
  assert.match(heard[0] ?? '', /could not be renewed: .*ECONNREFUSED/);
  await using _back = await controlDoor({ port });
  await until('it to be told', () => heard.length === 2);
  assert.match(heard[1] ?? '', /^its certificate has expired at 20.* UTC: control at .* does not take it$/);
});
