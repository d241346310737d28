import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fitMemory, type Holder, type Wish } from './memory.ts';

const holder = (name: string, heldBytes: number, more: Partial<Holder> = {}): Holder => ({
  name,
  heldBytes,
  leavingBytes: 0,
  idle: true,
  activeAt: 0,
  ...more,
});
const wish = (name: string, bytesEach: number, more: Partial<Wish> = {}): Wish => ({
  name,
  replicas: 1,
  must: 0,
  bytesEach,
  since: 0,
  ...more,
});

test('what fits is started and nobody is disturbed', () => {
  const { granted, sleep, held } = fitMemory(10, [holder('a', 5)], [wish('b', 5)]);
  assert.deepEqual([granted.get('b'), sleep, held.size], [1, [], 0]);
});

test('the least recently asked sleeps first, as many as it takes, and the start waits for the memory itself', () => {
  const holders = [holder('new', 4, { activeAt: 9 }), holder('old', 3, { activeAt: 1 }), holder('older', 3)];
  const first = fitMemory(10, holders, [wish('b', 5)]);
  assert.deepEqual([first.granted.get('b'), first.sleep, first.held.get('b')], [0, ['older', 'old'], 'waits']);
  // A turn later both drain: that is enough, and nobody else has to go.
  const draining = holders.map((each) =>
    each.name === 'new' ? each : { ...each, idle: false, leavingBytes: each.heldBytes },
  );
  const second = fitMemory(10, draining, [wish('b', 5)]);
  assert.deepEqual([second.granted.get('b'), second.sleep], [0, []]);
  assert.equal(fitMemory(10, [holders[0] as Holder], [wish('b', 5)]).granted.get('b'), 1);
});

test('nobody is put to sleep in vain: where all of them are too few, they stay', () => {
  const { sleep, held } = fitMemory(10, [holder('busy', 8, { idle: false }), holder('idle', 1)], [wish('b', 5)]);
  assert.deepEqual([sleep, held.get('b')], [[], 'waits']);
});

test('one that is larger than the whole budget never comes, and says so', () => {
  const { granted, sleep, held } = fitMemory(10, [holder('a', 5)], [wish('huge', 11)]);
  assert.deepEqual([granted.get('huge'), sleep, held.get('huge')], [0, [], 'never']);
});

test('what must be there is started whatever there is, and others make room for it', () => {
  const { granted, sleep } = fitMemory(10, [holder('a', 8)], [wish('b', 5, { must: 1 })]);
  assert.deepEqual([granted.get('b'), sleep], [1, ['a']]);
});

test('who has waited longest gets the room', () => {
  const { granted, held } = fitMemory(
    10,
    [holder('a', 5, { idle: false })],
    [wish('late', 5, { since: 9 }), wish('early', 5)],
  );
  assert.deepEqual([granted.get('early'), granted.get('late'), held.get('late')], [1, 0, 'waits']);
});

const worldOf = fc.record({
  budget: fc.integer({ min: 1, max: 40 }),
  holders: fc
    .array(
      fc.record({
        held: fc.nat(12),
        leaving: fc.nat(12),
        idle: fc.boolean(),
        activeAt: fc.nat(5),
      }),
      { maxLength: 8 },
    )
    .map((all) =>
      all.map(({ held, leaving, ...rest }, index) =>
        holder(`h${index}`, held, { leavingBytes: Math.min(held, leaving), ...rest }),
      ),
    ),
  wishes: fc
    .array(
      fc.record({
        bytesEach: fc.integer({ min: 1, max: 12 }),
        replicas: fc.integer({ min: 1, max: 3 }),
        must: fc.constantFrom(0, 0, 1),
        since: fc.nat(5),
      }),
      { maxLength: 4 },
    )
    .map((all) => all.map((each, index) => wish(`w${index}`, each.bytesEach, each))),
});
const heldBy = (holders: readonly Holder[]): number => holders.reduce((sum, { heldBytes }) => sum + heldBytes, 0);

test('busy deployments are never put to sleep, and those that are go in the order in which they were asked', () => {
  fc.assert(
    fc.property(worldOf, ({ budget, holders, wishes }) => {
      const { sleep } = fitMemory(budget, holders, wishes);
      const chosen = sleep.map((name) => holders.find((each) => each.name === name) as Holder);
      assert.ok(chosen.every(({ idle }) => idle));
      const latest = Math.max(-1, ...chosen.map(({ activeAt }) => activeAt));
      const spared = holders.filter(
        ({ name, idle, heldBytes, leavingBytes }) => idle && heldBytes > leavingBytes && !sleep.includes(name),
      );
      assert.ok(sleep.length === 0 || spared.every(({ activeAt }) => activeAt >= latest));
    }),
  );
});

test('the budget is exceeded by nothing but what must be there', () => {
  fc.assert(
    fc.property(worldOf, ({ budget, holders, wishes }) => {
      const { granted } = fitMemory(budget, holders, wishes);
      let total = heldBy(holders);
      const optional = wishes.filter(({ name, must }) => (granted.get(name) ?? 0) > must);
      for (const { name, bytesEach } of wishes) total += (granted.get(name) ?? 0) * bytesEach;
      if (optional.length > 0) assert.ok(total <= budget, `${total} of ${budget}`);
      for (const { name, must, replicas } of wishes) {
        assert.ok((granted.get(name) ?? 0) >= Math.min(must, replicas));
      }
    }),
  );
});

test('nobody sleeps when all that was wished for was granted without, and the order of the lists means nothing', () => {
  fc.assert(
    fc.property(worldOf, ({ budget, holders, wishes }) => {
      const decision = fitMemory(budget, holders, wishes);
      const total = wishes.reduce((sum, { bytesEach, replicas }) => sum + bytesEach * replicas, heldBy(holders));
      if (total <= budget) assert.deepEqual([decision.sleep, decision.held.size], [[], 0]);
      const turned = fitMemory(budget, holders.toReversed(), wishes.toReversed());
      assert.deepEqual(Object.fromEntries(turned.granted), Object.fromEntries(decision.granted));
      assert.deepEqual(turned.sleep, decision.sleep);
    }),
  );
});

test('making room ends: once those that were put to sleep are gone, the first of the wishes is granted', () => {
  fc.assert(
    fc.property(worldOf, ({ budget, holders, wishes }) => {
      const [first] = wishes
        .filter(({ must }) => must === 0)
        .toSorted((a, b) => a.since - b.since || (a.name < b.name ? -1 : 1));
      if (first === undefined || wishes.some(({ must }) => must > 0)) return;
      const one = { ...first, replicas: 1 };
      const { sleep, granted } = fitMemory(budget, holders, [one]);
      if (sleep.length === 0) return;
      assert.equal(granted.get(one.name), 0);
      const later = holders
        .filter(({ name }) => !sleep.includes(name))
        .map(({ name, heldBytes, leavingBytes, idle, activeAt }) =>
          holder(name, heldBytes - leavingBytes, { idle, activeAt }),
        );
      assert.equal(fitMemory(budget, later, [one]).granted.get(one.name), 1);
    }),
  );
});
