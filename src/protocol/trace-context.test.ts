import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSampled, newSpanId, newTraceId, parentIdOf, traceIdOf, validTraceparent } from './trace-context.ts';

const good = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

test('a valid header gives trace, parent and whether the caller records it', () => {
  assert.equal(validTraceparent(good), good);
  assert.equal(traceIdOf(good), '0af7651916cd43dd8448eb211c80319c');
  assert.equal(parentIdOf(good), 'b7ad6b7169203331');
  assert.equal(isSampled(good), true);
  assert.equal(isSampled(good.replace(/01$/, '02')), false);
  assert.equal(isSampled(good.replace(/01$/, '0f')), true);
});

test('a version to come may say more, version 00 may not; what is not valid is as if it were not there', () => {
  assert.equal(
    validTraceparent(`cc${good.slice(2)}-what-the-future-will-be-like`),
    `cc${good.slice(2)}-what-the-future-will-be-like`,
  );
  for (const bad of [
    undefined,
    '',
    `${good}-more`,
    `ff${good.slice(2)}`,
    good.toUpperCase(),
    good.replace('0af7651916cd43dd8448eb211c80319c', '0'.repeat(32)),
    good.replace('b7ad6b7169203331', '0'.repeat(16)),
    good.slice(0, -1),
    ` ${good}`,
    `cc${good.slice(2)}.x`,
    `cc${good.slice(2)}-${'x'.repeat(600)}`,
  ])
    assert.equal(validTraceparent(bad), undefined, bad);
});

test('ids that are made are of the right form, and no two are the same', () => {
  const traces = new Set(Array.from({ length: 2000 }, newTraceId));
  assert.equal(traces.size, 2000);
  for (const id of traces) assert.equal(validTraceparent(`00-${id}-${newSpanId()}-00`)?.length, 55);
});
