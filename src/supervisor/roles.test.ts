import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { childrenOf, listenersOf, type RoleKind } from './roles.ts';

const kind = fc.constantFrom<RoleKind>('platform', 'control', 'gateway');
const workers = fc.integer({ min: 1, max: 64 });

test('every listener of a role is served by its children, and none that the role does not have', () => {
  fc.assert(
    fc.property(kind, workers, (role, count) => {
      const served = new Set(childrenOf(role, count).flatMap(({ listeners }) => listeners));
      assert.deepEqual(
        [...served].toSorted(),
        listenersOf(role)
          .filter((name) => name !== 'metrics')
          .toSorted(),
      );
    }),
  );
});

test('a platform is control and its gateways: what either role has, and no process twice', () => {
  fc.assert(
    fc.property(workers, (count) => {
      const all = childrenOf('platform', count);
      assert.deepEqual(all, [...childrenOf('control', count), ...childrenOf('gateway', count)]);
      assert.equal(new Set(all.map(({ role, worker }) => `${role} ${worker}`)).size, count + 1);
      assert.equal(all[0]?.role, 'control');
    }),
  );
});
