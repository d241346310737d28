import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { newGroup, type Group } from './group.ts';
import { groupTaking, keepsPlaces, periodAt, readLife, writeLife } from './secrets-life.ts';

const life = { from: 1000, until: 2000 };
const group = (name: string, more: Partial<Group> = {}): Group => ({ ...newGroup(name, 'm', 'k'), ...more });
const taking = (groups: Group[], at: number, now = 0) => groupTaking(groups, 'k', at, now)?.name;

test('a further task goes to a service whose secret has more than half of its life left, of its own kind alone', () => {
  const groups = [group('one', { life })];
  assert.equal(taking(groups, 1499), 'one');
  assert.equal(taking(groups, 1500), undefined);
  assert.equal(groupTaking(groups, 'another', 1001, 0), undefined);
  assert.equal(groupTaking([{ ...group('earlier'), kind: undefined }], 'k', 1001, 0), undefined);
  assert.equal(taking([group('old', { life }), group('new', { life: { from: 1500, until: 2500 } })], 1600), 'new');
  assert.equal(taking([group('to be made')], 1500), 'to be made');
});

test('a place that the engine has refilled is taken before it, as long as what it was filled with still holds', () => {
  const groups = [group('old', { life, vacancies: [500] }), group('new', { life: { from: 1500, until: 2500 } })];
  assert.equal(taking(groups, 1600), 'old');
  assert.equal(taking(groups, 1600, 500), 'new', 'the place is kept no longer');
  assert.equal(taking(groups, 1875), 'new', 'there is no eighth left');
  assert.deepEqual([keepsPlaces(life, 1874), keepsPlaces(life, 1875), keepsPlaces(life, 3000)], [true, false, false]);
});

test('in a period one service is made at most, however often one is needed', () => {
  const times = fc.array(fc.integer({ min: 0, max: 1e7 }), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(times, fc.integer({ min: 2000, max: 1e6 }), (asked, lifetimeMs) => {
      const groups: Group[] = [];
      for (const at of asked.toSorted((left, right) => left - right)) {
        if (groupTaking(groups, 'k', at, 0) !== undefined) continue;
        groups.push(group(periodAt(at, lifetimeMs), { life: { from: at, until: at + lifetimeMs } }));
      }
      assert.equal(new Set(groups.map(({ name }) => name)).size, groups.length);
    }),
  );
});

test('what is written is read, and what cannot be read takes no tasks', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: 1, max: 4e10 }), (from, ms) => {
      assert.deepEqual(readLife(writeLife({ from, until: from + ms })), { from, until: from + ms });
    }),
  );
  for (const text of [undefined, '', 'soon', '2026-01-02T00:00:00Z/2026-01-01T00:00:00Z', 'a/b'])
    assert.equal(taking([group('one', { life: readLife(text) })], Date.now()), undefined, text);
});
