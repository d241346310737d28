import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { seal, unseal } from './sealed.ts';

const key = fc.string({ minLength: 32 });
const refused = { code: 'SECRET_UNUSABLE', message: /store\.sealKeyFile: expected the key that .* was sealed with/ };

test('what was sealed comes back with the same key and name, and shows nothing of itself', () => {
  fc.assert(
    fc.property(key, fc.string(), fc.uint8Array({ minLength: 8 }), (sealKey, name, secret) => {
      const sealed = seal(sealKey, name, secret);
      assert.ok(unseal(sealKey, name, sealed).equals(secret));
      assert.notEqual(seal(sealKey, name, secret), sealed, 'never the same twice');
      assert.ok(!Buffer.from(sealed.slice(sealed.indexOf(':')), 'base64').includes(Buffer.from(secret)));
    }),
  );
});

test('it does not come back with another key, under another name, or changed anywhere', () => {
  fc.assert(
    fc.property(key, key, fc.uint8Array(), fc.nat(), (sealKey, other, secret, at) => {
      fc.pre(sealKey !== other);
      const sealed = seal(sealKey, 'a', secret);
      assert.throws(() => unseal(other, 'a', sealed), refused);
      assert.throws(() => unseal(sealKey, 'b', sealed), refused);
      const bytes = Buffer.from(sealed.slice(sealed.indexOf(':') + 1), 'base64');
      bytes[at % bytes.length] = (bytes[at % bytes.length] ?? 0) ^ 1;
      assert.throws(() => unseal(sealKey, 'a', `flyball-sealed-1:${bytes.toString('base64')}`), refused);
      assert.throws(() => unseal(sealKey, 'a', bytes.toString('base64')), refused);
    }),
  );
});
