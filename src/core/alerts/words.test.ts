import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Alert } from './book.ts';
import { cutAlert, nameOf, plain, summaryOf } from './words.ts';

const texts = fc.dictionary(fc.string({ maxLength: 700 }), fc.string({ maxLength: 2000 }), { maxKeys: 90 });
const alerts: fc.Arbitrary<Alert> = fc.record({
  fingerprint: fc.string({ maxLength: 1000 }),
  state: fc.constant('firing' as const),
  labels: texts,
  annotations: texts,
  startsAt: fc.constant(1),
  values: fc.dictionary(fc.string({ maxLength: 700 }), fc.double(), { maxKeys: 90 }),
});

test('law: an alert takes a few kilobytes at most, whatever was sent, and one that is small stays as it is', () => {
  fc.assert(
    fc.property(alerts, (alert) => {
      const { labels, annotations, values = {}, fingerprint } = cutAlert(alert);
      assert.ok(JSON.stringify({ labels, annotations }).length < 4096 + 90 * 8, 'texts');
      assert.ok(Object.keys(values).length <= 16 && fingerprint.length <= 500);
    }),
    { numRuns: 30 },
  );
  const small: Alert = { fingerprint: 'f', state: 'firing', labels: { a: 'b' }, annotations: { c: 'd' }, startsAt: 1 };
  assert.deepEqual(cutAlert(small), small);
});

test('what a sender writes reaches no terminal as a command', () => {
  assert.equal(plain('\u001b[31mred\u0007\r\nalert\u202e'), '[31mred alert');
  assert.equal(plain('x'.repeat(500)).length, 200);
  assert.equal(nameOf({ labels: { alertname: 'a\nb' }, fingerprint: 'f' }), 'a b');
  assert.equal(nameOf({ labels: {}, fingerprint: 'f' }), 'f');
  assert.equal(summaryOf({ annotations: { description: 'd' } }), 'd');
});
