import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, beforeEach, test } from 'node:test';
import { systemClock } from '../clock.ts';
import { openIssuer } from '../control/certificates.ts';
import { openDoor } from '../control/door.ts';
import { seededRng } from '../rng.ts';
import { until } from '../testing/until.ts';
import { makeAuthority } from '../tls/authority.ts';
import { identityIn } from '../tls/identity-file.ts';
import { lifeOf } from '../tls/life.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { identityOf } from '../tls/platform-authority.ts';
import { gatewayIdentityFile, openIdentities } from './identities.ts';

const authority = makeAuthority('test', Date.now());
const hour = 3_600_000;
let dataDirectory = '';
const folders: string[] = [];
beforeEach(() => {
  dataDirectory = mkdtempSync(join(tmpdir(), 'fb-'));
  folders.push(dataDirectory);
});
after(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

const common = (lifetimeMs: number) => ({
  dataDirectory,
  name: 'test',
  lifetimeMs,
  clock: systemClock,
  rng: seededRng(3),
});
const gateway = (lifetimeMs: number, by = authority, at = Date.now()): PeerIdentity =>
  identityOf(by, 'gateway', 'client', at, lifetimeMs);
const roleOf = (identity: PeerIdentity, doors: readonly string[]) =>
  ({ kind: 'gateway', identity, doors, node: 'far' }) as const;

async function controlDoor() {
  const artefacts = { path: async () => '', find: async () => undefined };
  const certificates = openIssuer({ authority, clock: systemClock, lifetimeMs: hour, mayIssue: () => true });
  const identity = identityOf(authority, 'control', 'peer', Date.now());
  const door = await openDoor({ identity, host: '127.0.0.1', port: 0, artefacts, certificates });
  return { url: `https://127.0.0.1:${door.port}`, [Symbol.asyncDispose]: () => door[Symbol.asyncDispose]() };
}

test('where the authority is, each process is told of its next certificate before the one before ends', async () => {
  const heard: string[] = [];
  const onRenewed = (name: string): void => void heard.push(name);
  using identities = await openIdentities({ ...common(3000), role: { kind: 'platform' }, onRenewed });
  const first = identities.of('gateway');
  assert.deepEqual(
    (['gateway', 'control'] as const).map((name) => identityIn(identities.of(name).certificate)),
    ['gateway', 'control'],
  );
  await until('both to be renewed', () => new Set(heard).size === 2);
  assert.notEqual(identities.of('gateway').certificate, first.certificate);
  assert.ok((identities.expiries().get('gateway') ?? 0) >= lifeOf(first.certificate).until);
});

test('a gateway alone renews what it was given through a door, keeps it for itself, and starts with it again', async () => {
  await using control = await controlDoor();
  const given = gateway(3000);
  const heard: PeerIdentity[] = [];
  const role = roleOf(given, [control.url]);
  const path = join(dataDirectory, gatewayIdentityFile);
  {
    using identities = await openIdentities({
      ...common(hour),
      role,
      onRenewed: (_name, identity) => heard.push(identity),
    });
    assert.equal(identities.of('gateway').certificate, given.certificate);
    await until('it to be renewed', () => heard.length === 1);
    assert.equal(identities.of('gateway').certificate, heard[0]?.certificate);
    await until('it to be kept', () => {
      const found = statSync(path, { throwIfNoEntry: false });
      return found !== undefined && (found.mode & 0o777) === 0o600;
    });
  }
  await until('what was given to have expired', () => Date.now() > lifeOf(given.certificate).until);
  using again = await openIdentities({ ...common(hour), role, onRenewed: assert.fail });
  assert.equal(again.of('gateway').certificate, heard[0]?.certificate);
  // Of another platform, or damaged, it counts for nothing.
  const kept = readFileSync(path, 'utf8');
  const others = gateway(hour, makeAuthority('other', Date.now()));
  using moved = await openIdentities({ ...common(hour), role: roleOf(others, []), onRenewed: assert.fail });
  assert.equal(moved.of('gateway').certificate, others.certificate);
  writeFileSync(path, kept.slice(0, 300));
  await assert.rejects(openIdentities({ ...common(hour), role, onRenewed: assert.fail }), {
    code: 'TLS_UNUSABLE',
    message: /--identity: it has expired at 20/,
  });
});
