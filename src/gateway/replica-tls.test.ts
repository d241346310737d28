/** Mutual TLS between gateway and runner over TCP: who belongs to the platform works together, strangers get nowhere. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import tls from 'node:tls';
import { systemClock } from '../clock.ts';
import { loadSimulated } from '../drivers/runtimes/simulated.ts';
import { runnerLaunch } from '../runner/launch.ts';
import { startRunner, type Runner } from '../runner/runner.ts';
import { until } from '../testing/until.ts';
import { issue, makeAuthority, type IssuedCertificate } from '../tls/authority.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { identityOf, openPlatformAuthority } from '../tls/platform-authority.ts';
import { openReplicaConnection } from './replica-connection.ts';

const folder = mkdtempSync(join(tmpdir(), 'fb-mtls-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = Date.now();
const ours = makeAuthority('ours', at);
const theirs = makeAuthority('theirs', at);
let files = 0;
const file = (text: string): string => {
  const path = join(folder, `${(files += 1)}.pem`);
  writeFileSync(path, text);
  return path;
};

/** A runner that shows the certificate of `identity`. */
function runnerOf(replica: string, authority: IssuedCertificate, identity = `replica/${replica}`): Promise<Runner> {
  const own = issue(authority, { identity, role: 'server', at, lifetimeMs: 60_000 });
  const shown = { certificate: file(own.certificate), key: file(own.key), authority: file(authority.certificate) };
  const launch = runnerLaunch.parse({
    replica,
    model: 'm',
    version: '1',
    digest: 'sha256:0',
    runtime: {
      kind: 'simulated',
      signature: {
        inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 2] }],
        outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
        batchable: true,
      },
      serviceMs: 0,
      serviceMsPerRow: 0,
    },
    warmUp: { batchSizes: [1], budgetMs: 1, samples: [] },
    listen: { kind: 'tcp', host: '127.0.0.1', port: 0, tls: shown },
  });
  return startRunner(launch, {
    clock: systemClock,
    loadModel: (runtime, signal) => {
      assert.ok(runtime.kind === 'simulated');
      return loadSimulated(runtime, signal);
    },
  });
}

/** Tries to be served as replica `replica`; gives how it went. */
async function outcome(
  runner: Runner,
  replica: string,
  identity: PeerIdentity | undefined,
): Promise<'served' | 'refused'> {
  let changes = 0;
  const connection = openReplicaConnection(
    { id: replica, address: { kind: 'tcp', host: '127.0.0.1', port: runner.port!, tls: true }, state: 'ready' },
    { onChange: () => (changes += 1), onCostCurve: () => {}, onAnswer: () => {} },
    { clock: systemClock, frameBytesMax: 1 << 20, identity },
  );
  try {
    // A refusal is a change as well: the connection is lost before it was ready.
    await until('it to be ready or refused twice', () => connection.ready || (changes >= 2 && !connection.connected));
    return connection.ready ? 'served' : 'refused';
  } finally {
    connection.close();
  }
}

test('a gateway and a runner of one platform work together; a stranger on either side gets nowhere', async () => {
  const gateway = identityOf(ours, 'gateway', 'client', at);
  await using runner = await runnerOf('a', ours);
  await until('it to be loaded', () => runner.state.kind === 'ready');
  assert.equal(await outcome(runner, 'a', gateway), 'served');
  assert.equal(await outcome(runner, 'a', identityOf(ours, 'control', 'client', at)), 'served');
  const refused: [string, PeerIdentity | undefined][] = [
    ['another platform', identityOf(theirs, 'gateway', 'client', at)],
    [
      'another platform that trusts ours',
      { ...identityOf(theirs, 'gateway', 'client', at), authority: ours.certificate },
    ],
    ['a replica of ours as a client', identityOf(ours, 'replica/b', 'client', at)],
    ["a replica's own certificate", identityOf(ours, 'gateway', 'server', at)],
    ['nobody', undefined],
  ];
  for (const [who, identity] of refused) assert.equal(await outcome(runner, 'a', identity), 'refused', who);
  // The other way round: what answers at the address is not who it should be.
  await using other = await runnerOf('a', ours, 'replica/b');
  await using foreign = await runnerOf('a', theirs);
  assert.equal(await outcome(other, 'a', gateway), 'refused', 'the certificate of another replica');
  assert.equal(await outcome(foreign, 'a', gateway), 'refused', 'the certificate of another platform');
});

test('without a certificate a runner over TCP says nothing at all', async () => {
  await using runner = await runnerOf('a', ours);
  const heard = (socket: net.Socket): Promise<string> =>
    new Promise((resolve) => {
      let text = '';
      socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
      socket.on('error', () => {});
      socket.on('close', () => resolve(text));
    });
  const plain = net.connect(runner.port!, '127.0.0.1', () => plain.write(Buffer.alloc(64)));
  assert.doesNotMatch(await heard(plain), /replica|model|loading|ready/);
  const bare = tls.connect({
    port: runner.port!,
    host: '127.0.0.1',
    ca: ours.certificate,
    checkServerIdentity: () => undefined,
  });
  assert.equal(await heard(bare), '');
});

test('frames over TCP without TLS are for loopback only', async () => {
  const launch = { kind: 'tcp', host: '0.0.0.0', port: 0 } as const;
  const { serveFrames } = await import('../runner/frame-server.ts');
  await assert.rejects(serveFrames(launch, {} as never, { frameBytesMax: 1, connectionsMax: 1 }), {
    code: 'LISTENER_NOT_LOOPBACK',
  });
});

test('the authority is made once, for its owner alone, and a damaged one is said and not replaced', async () => {
  const made = await openPlatformAuthority(folder, 'flyball', at);
  const path = join(folder, 'authority.pem');
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.deepEqual(await openPlatformAuthority(folder, 'flyball', at), made);
  for (const text of ['', readFileSync(path, 'utf8').slice(0, 700), made.certificate + theirs.key]) {
    writeFileSync(path, text);
    await assert.rejects(openPlatformAuthority(folder, 'flyball', at), {
      code: 'TLS_UNUSABLE',
      message: /authority\.pem/,
    });
  }
});
