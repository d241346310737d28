import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readPostgresAddress, withAbsoluteFiles } from './postgres-address.ts';

const read = (text: string) => {
  const reading = readPostgresAddress(text);
  return 'address' in reading ? reading.address : assert.fail(reading.problem);
};
const problem = (text: string): string => {
  const reading = readPostgresAddress(text);
  return 'problem' in reading ? reading.problem : assert.fail(`${text} was read`);
};

test('an address is read with what its parts mean', () => {
  const address = read('postgresql://me:p%40ss@db.example/my%20base?sslmode=verify-ca&sslrootcert=ca.pem');
  assert.deepEqual(address, {
    host: 'db.example',
    port: 5432,
    user: 'me',
    database: 'my base',
    tls: 'verify-ca',
    rootCertificate: 'ca.pem',
    password: 'p@ss',
    shown: 'postgres://me@db.example:5432/my base',
  });
  const local = read('postgres://me@/base?host=/run/postgresql');
  assert.deepEqual(
    [local.host, local.tls, local.shown.includes('/run/postgresql')],
    ['/run/postgresql', 'disable', true],
  );
  assert.equal(read('postgres://me@[::1]:77/base').host, '::1');
});

test('nobody is spoken to in clear who has not been named so, unless it is this machine', () => {
  assert.equal(read('postgres://me@db.example/base').tls, 'verify-full');
  assert.equal(read('postgres://me@127.0.0.1/base').tls, 'disable');
  assert.match(problem('postgres://me@db.example/base?sslmode=prefer'), /expected sslmode of .*, got prefer/);
});

test('what is no address says what was expected, and no password', () => {
  const texts = ['mysql://me:secret@h/b', 'me:secret@h', 'postgres://me:secret@h', 'postgres://m:sec/ret@h/b', 'h'];
  for (const text of texts) {
    assert.match(problem(text), /expected postgres:/);
    assert.ok(!problem(text).includes('sec'), problem(text));
  }
  assert.match(problem('postgres://me@h/b?sslmod=require'), /sslmod is not one of .*did you mean sslmode/);
});

test('files are found from where the specification lies', () => {
  assert.equal(
    withAbsoluteFiles('postgres://me@h/b?sslmode=verify-full&sslrootcert=ca.pem', '/etc/flyball'),
    'postgres://me@h/b?sslmode=verify-full&sslrootcert=%2Fetc%2Fflyball%2Fca.pem',
  );
});
