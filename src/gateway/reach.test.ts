import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Reach } from './reach.ts';

test('a version that is listed again is out of reach from then on, not since it was listed last', () => {
  const reach = new Reach(0, () => {});
  reach.found(Infinity, 10);
  reach.lost(false, 20);
  reach.lost(true, 5000);
  assert.equal(reach.outMs(5000), 0);
  reach.lost(true, 6000);
  assert.equal(reach.outMs(6000), 1000);
});

test('one that stays listed is out of reach since its last replica was lost', () => {
  const reach = new Reach(0, () => {});
  reach.found(Infinity, 10);
  reach.lost(true, 1000);
  reach.lost(true, 3000);
  assert.equal(reach.outMs(3500), 2500);
  reach.found(Infinity, 3600);
  assert.equal(reach.outMs(4000), 0);
});
