import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { subscribe } from '../telemetry/events.ts';
import { makeCertificate } from '../testing/certificates.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { loadTls, type TlsMaterial } from './certificate.ts';
import { watchTls } from './watch.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-tls-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const [one, two] = [makeCertificate(folder, 'one'), makeCertificate(folder, 'two')];
const now = Date.now() + 60_000;
const year = 365 * 86_400_000;

test('a pair that works is taken; every other is refused in words that name the file and what is wrong', () => {
  assert.equal(loadTls('tls', one, now).cert, readFileSync(one.certificate, 'utf8'));
  const text = join(folder, 'text');
  writeFileSync(text, 'hello');
  const locked = join(folder, 'locked');
  writeFileSync(locked, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n');
  const cases: readonly (readonly [object, number, RegExp])[] = [
    [{ key: two.key }, now, /the key .*two\.key is not that of the certificate .*one\.pem/],
    [{ key: join(folder, 'none') }, now, /tls\.key: cannot read .*none: there is no such file/],
    [{ certificate: text }, now, /tls\.certificate: .*text: expected a certificate in PEM/],
    [{ key: text }, now, /tls\.key: .*text: expected a private key in PEM, got/],
    [{ key: locked }, now, /private key in PEM without a passphrase/],
    [{ clientCa: text }, now, /tls\.clientCa: .*text: expected a certificate/],
    [{}, now + year, /one\.pem has expired at 20\d\d-/],
    [{}, now - year, /one\.pem is not in force before 20\d\d-/],
  ];
  for (const [change, at, message] of cases)
    assert.throws(() => loadTls('tls', { ...one, ...change }, at), { code: 'TLS_UNUSABLE', message });
});

test('a changed pair is handed out within a second; a half-written one changes nothing and is said once', () => {
  const clock = { ...createVirtualClock() };
  const virtual = createVirtualClock();
  Object.assign(clock, virtual, { wall: () => now });
  const files = { certificate: join(folder, 'live.pem'), key: join(folder, 'live.key') };
  copyFileSync(one.certificate, files.certificate);
  copyFileSync(one.key, files.key);
  const changes: [string, TlsMaterial][] = [];
  const faults: string[] = [];
  const stop = subscribe('flyball:fault', ({ message }) => faults.push(message));
  const watch = watchTls(new Map([['http', { what: 'tls', files }]]), clock, (...change) => changes.push(change));
  virtual.pass(3000);
  assert.deepEqual(changes, []);
  // Replaced, as tools that renew do it; the key is still to come.
  const replace = (from: string, to: string): void => {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  };
  replace(two.certificate, files.certificate);
  virtual.pass(3000);
  assert.deepEqual([changes.length, faults.length], [0, 1]);
  assert.match(faults[0] ?? '', /is not that of the certificate .*; the one before stays in force/);
  assert.equal(watch.current('http')?.cert, readFileSync(one.certificate, 'utf8'));
  replace(two.key, files.key);
  virtual.pass(1000);
  assert.equal(changes.length, 1);
  assert.equal(watch.current('http')?.cert, readFileSync(two.certificate, 'utf8'));
  watch.reload();
  assert.equal(changes.length, 1, 'nothing is new');
  watch.close();
  assert.equal(virtual.pending, 0);
  stop();
});
