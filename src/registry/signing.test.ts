import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { modelFile } from '../config/model-file.ts';
import { digestOfBytes } from './digest.ts';
import { makeKeyFile, parsePublicKey, publicKeyText, readPrivateKey } from './signing-keys.ts';
import { isSignatureOf, parseSignature, settingsDigest, signVersion, type VersionContent } from './signing.ts';
import { contentOf, openTrust, type SignedRecord } from './trust.ts';

const key = generateKeyPairSync('ed25519').privateKey;
const other = generateKeyPairSync('ed25519').privateKey;
const record = (more: Partial<SignedRecord> = {}): SignedRecord => ({
  model: 'digits',
  version: 3,
  digest: digestOfBytes('version'),
  modelFile: modelFile.parse({ pipeline: { mean: [0.5] } }),
  file: digestOfBytes('file'),
  assets: { 'labels.txt': digestOfBytes('labels') },
  ...more,
});
const signed = (by = key, number?: number, of = record()): SignedRecord => ({
  ...of,
  signatures: [signVersion(contentOf(of), number, by)],
});

test('a signature is of this content under this name, and of nothing that differs in anything', () => {
  const content = contentOf(record());
  const text = signVersion(content, undefined, key);
  const check = (altered: VersionContent): boolean => isSignatureOf(parseSignature(text), altered, 3);
  assert.ok(check(content));
  const elsewhere = digestOfBytes('other');
  const labels = content.assets['labels.txt'] ?? '';
  const change = fc.oneof(
    fc.string({ minLength: 1 }).map((suffix): Partial<VersionContent> => ({ model: content.model + suffix })),
    fc.constantFrom('digest', 'file', 'settings').map((field): Partial<VersionContent> => ({ [field]: elsewhere })),
    fc.constant<Partial<VersionContent>>({ file: undefined }),
    fc.string().map((name): Partial<VersionContent> => ({ assets: { 'labels.txt': labels, [`${name}.`]: elsewhere } })),
    fc.constantFrom<Partial<VersionContent>>(
      { assets: {} },
      { assets: { 'labels.txt': elsewhere } },
      { assets: { 'other.txt': labels } },
    ),
  );
  fc.assert(fc.property(change, (altered) => assert.ok(!check({ ...content, ...altered }))));
});

test('a signature whose bytes or key were changed is none', () => {
  const content = contentOf(record());
  const { bytes, key: by } = parseSignature(signVersion(content, 3, key));
  fc.assert(
    fc.property(fc.nat(63), fc.integer({ min: 1, max: 255 }), (at, change) => {
      const altered = Buffer.from(bytes);
      altered[at] = (altered[at] ?? 0) ^ change;
      assert.ok(!isSignatureOf({ key: by, bytes: altered, version: 3 }, content, 3));
    }),
  );
  assert.ok(!isSignatureOf({ key: publicKeyText(other), bytes, version: 3 }, content, 3));
});

test('a number that was signed holds; it cannot be left out or replaced', () => {
  const content = contentOf(record());
  const text = signVersion(content, 3, key);
  assert.ok(isSignatureOf(parseSignature(text), content, 3));
  assert.ok(!isSignatureOf(parseSignature(text), content, 4));
  assert.ok(!isSignatureOf(parseSignature(text.replace(/:3$/, '')), content, 3));
  assert.ok(!isSignatureOf(parseSignature(text.replace(/:3$/, ':4')), content, 4));
});

test('settings are signed with the defaults that they have here: what runs is what was signed', () => {
  const before = settingsDigest(modelFile.parse({ pipeline: {} }));
  assert.equal(settingsDigest(modelFile.parse({ pipeline: { invert: false } })), before);
  assert.notEqual(settingsDigest(modelFile.parse({ pipeline: { invert: true } })), before);
});

test('where a signature is required: none, one by a stranger, and one of something else are told apart', () => {
  const trust = openTrust({ requireSignature: true, trustedKeys: { lab: publicKeyText(key) } });
  trust.require(signed());
  trust.require(signed(key, 3));
  assert.throws(() => trust.require(record()), { code: 'SIGNATURE_REQUIRED', message: /digits:3 is not signed/ });
  assert.throws(() => trust.require(signed(other)), { code: 'SIGNATURE_UNTRUSTED', message: /ed25519:/ });
  for (const altered of [
    { ...signed(), model: 'ocr' },
    { ...signed(key, 3), version: 4 },
    { ...signed(), file: digestOfBytes('another') },
    { ...signed(), assets: { 'labels.txt': digestOfBytes('another') } },
    { ...signed(), modelFile: modelFile.parse({ pipeline: { mean: [0.4] } }) },
  ]) {
    assert.throws(() => trust.require(altered), { code: 'SIGNATURE_INVALID', message: /not what lab signed/ });
  }
  openTrust({ trustedKeys: { lab: publicKeyText(key) } }).require(record());
});

test('keys are exchanged by signing with the new one before the old one goes', () => {
  const [old, next] = [publicKeyText(key), publicKeyText(other)];
  const both: SignedRecord = {
    ...record(),
    signatures: [key, other].map((by) => signVersion(contentOf(record()), undefined, by)),
  };
  openTrust({ requireSignature: true, trustedKeys: { old, next } }).require(both);
  const after = openTrust({ requireSignature: true, trustedKeys: { next } });
  after.require(both);
  assert.throws(() => after.require(signed()), { code: 'SIGNATURE_UNTRUSTED' });
  assert.deepEqual(
    after.signers(both).map(({ name, valid }) => [name, valid]),
    [
      [undefined, true],
      ['next', true],
    ],
  );
});

test('public keys come as a line or as PEM; a private one, another kind and garbage are refused', () => {
  const { publicKey } = generateKeyPairSync('ed25519');
  const line = publicKeyText(publicKey);
  const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
  assert.equal(publicKeyText(parsePublicKey(pem)), line);
  assert.equal(publicKeyText(parsePublicKey(` ${line}\n`)), line);
  const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey.export({ type: 'spki', format: 'pem' });
  const secret = key.export({ type: 'pkcs8', format: 'pem' });
  for (const text of ['', 'ed25519:', 'ed25519:AAAA', `${line}A`, String(rsa), String(secret)]) {
    assert.throws(() => parsePublicKey(text), { code: 'INVALID_SPECIFICATION' }, text.slice(0, 30));
  }
});

test('a key file is made for its owner alone, never over another, and errors repeat nothing of it', (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'fb-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const path = join(folder, 'lab.pem');
  const line = makeKeyFile(path);
  assert.equal(statSync(path).mode & 0o777, 0o600);
  assert.equal(publicKeyText(readPrivateKey(path)), line);
  assert.throws(() => makeKeyFile(path), { code: 'CONFLICT' });
  const broken = join(folder, 'broken.pem');
  writeFileSync(broken, readFileSync(path, 'utf8').slice(0, -40));
  assert.throws(
    () => readPrivateKey(broken),
    (error: Error) => /expected a private Ed25519 key/.test(error.message) && error.cause === undefined,
  );
  assert.throws(() => readPrivateKey(join(folder, 'none')), { code: 'NOT_FOUND' });
});

test('what is no signature is refused before it is looked at', () => {
  for (const text of [
    '',
    'ed25519:a:b',
    `${publicKeyText(key)}:short`,
    `${signVersion(contentOf(record()), 3, key)}0000000000`,
  ]) {
    assert.throws(() => parseSignature(text), { code: 'INVALID_REQUEST' });
  }
});
