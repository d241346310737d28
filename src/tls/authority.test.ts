import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { issue, makeAuthority } from './authority.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-authority-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const at = Date.now();
const day = 86_400_000;

test('what the authority issues names its identity, fits its key, and is signed by the authority', () => {
  const authority = makeAuthority('flyball', at);
  const issued = issue(authority, { identity: 'replica/digits-1-a', role: 'server', at, lifetimeMs: day });
  const root = new X509Certificate(authority.certificate);
  const leaf = new X509Certificate(issued.certificate);
  assert.ok(root.ca && !leaf.ca);
  assert.ok(root.verify(root.publicKey) && leaf.verify(root.publicKey) && leaf.checkIssued(root));
  assert.ok(leaf.checkPrivateKey(createPrivateKey(issued.key)));
  assert.equal(leaf.subjectAltName, 'URI:flyball://replica/digits-1-a');
  assert.deepEqual(leaf.keyUsage, ['1.3.6.1.5.5.7.3.1']);
  assert.ok(leaf.validToDate.getTime() - at <= day);
  const other = issue(makeAuthority('flyball', at), { identity: 'gateway', role: 'client', at, lifetimeMs: day });
  assert.ok(!new X509Certificate(other.certificate).verify(root.publicKey));
});

test('OpenSSL takes it for what it is, and for nothing else', (context) => {
  if (spawnSync('openssl', ['version']).status !== 0) {
    assert.notEqual(process.env['CI'], 'true', 'openssl is not here');
    context.skip('openssl is not on this machine');
    return;
  }
  const path = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  const authority = makeAuthority('flyball', at);
  const root = path('root.pem', authority.certificate);
  const verify = (file: string, purpose: string): number | null =>
    spawnSync('openssl', ['verify', '-x509_strict', '-CAfile', root, '-purpose', purpose, file]).status;
  const server = path(
    's.pem',
    issue(authority, { identity: 'replica/a', role: 'server', at, lifetimeMs: day }).certificate,
  );
  const client = path(
    'c.pem',
    issue(authority, { identity: 'gateway', role: 'client', at, lifetimeMs: day }).certificate,
  );
  const late = path(
    'l.pem',
    issue(authority, { identity: 'x', role: 'client', at: at + 40 * 365 * day, lifetimeMs: day }).certificate,
  );
  assert.deepEqual([verify(server, 'sslserver'), verify(client, 'sslclient')], [0, 0]);
  assert.deepEqual([verify(server, 'sslclient'), verify(client, 'sslserver'), verify(late, 'sslclient')], [2, 2, 2]);
});
