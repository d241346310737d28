/** Of many: as many as are wanted, each at an address of its own; a new version beside the old one; nothing is left. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { FoundReplica } from '../../control/orchestrator.ts';
import { orderOf, stateAt } from '../lone-replica.ts';
import { until } from '../until.ts';
import { askEveryMs, openKeeper } from './orchestrator-keeper.ts';
import { itIsDeclared, type OrchestratorEngine, type OrchestratorUnderTest } from './orchestrator.ts';

/** Who goes is chance: that it is always the one that was named is seen once in three to the eighth. */
const attemptsMax = 8;

/** Counts all the time how many of those that it was told of answer, and keeps the least. */
function countReady(world: OrchestratorEngine, begun: readonly FoundReplica[]) {
  const addresses = begun.map(({ address }) => address);
  let changes = 0;
  let ended = false;
  let [least, looks] = [Infinity, 0];
  const looking = (async () => {
    while (!ended) {
      const before = changes;
      const states = await Promise.all(addresses.map((address) => stateAt(address, world.identity)));
      // While somebody comes or goes, those that are asked first and last belong to different moments.
      if (changes === before && states.length > 0) {
        least = Math.min(least, states.filter((state) => state === 'ready').length);
        looks += 1;
      }
      await delay(askEveryMs);
    }
  })();
  return {
    /** It is ready; looked at with the others before this resolves. */
    async add({ address }: FoundReplica): Promise<void> {
      changes += 1;
      addresses.push(address);
      const before = looks;
      await until('a look at all', () => looks > before);
    },
    /** One is about to go. */
    mark(): void {
      changes += 1;
    },
    async least(): Promise<number> {
      ended = true;
      await looking;
      return least;
    },
  };
}

export function fleets(driver: OrchestratorUnderTest): void {
  itIsDeclared(driver, 'the engine chooses who goes', async (world, isDeclared) => {
    await using orchestrator = await world.open();
    const keeper = openKeeper(orchestrator, world);
    const orders = ['a-1', 'a-2', 'a-3'].map((id) => orderOf(id));
    const replicas = await Promise.all(orders.map((order) => keeper.start(order)));
    assert.equal(new Set(replicas.map(({ address }) => JSON.stringify(address))).size, 3);
    await keeper.isSettled();
    let [named] = replicas;
    for (let attempt = 1; named !== undefined && attempt <= (isDeclared ? attemptsMax : 1); attempt += 1) {
      await keeper.stop(named.id);
      await keeper.isSettled();
      assert.ok(keeper.exits.every(({ byEngine }) => byEngine));
      if (keeper.exits.length > 0) return 'as the deviation says';
      assert.equal(await stateAt(named.address, world.identity), undefined);
      if (isDeclared) named = await keeper.start(orderOf(`a-${attempt + 3}`));
    }
    return 'as the seam says';
  });

  void it('a new version stands beside the old one until it answers: never do fewer answer than before', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const keeper = openKeeper(orchestrator, world);
    const olds = ['a-1', 'a-2'].map((id) => orderOf(id, { version: '1' }));
    const news = ['b-1', 'b-2'].map((id) => orderOf(id, { version: '2' }));
    const begun = await Promise.all(olds.map((order) => keeper.start(order)));
    const ready = countReady(world, begun);
    for (const order of news) {
      await ready.add(await keeper.start(order));
      const old = [...keeper.kept.values()].find(({ launch }) => launch.version === '1');
      ready.mark();
      await keeper.stop(old?.id ?? '');
    }
    await keeper.isSettled();
    assert.deepEqual([...keeper.kept.keys()], ['b-1', 'b-2']);
    assert.equal(await ready.least(), 2);
    // None of it has failed.
    assert.ok(keeper.exits.every(({ byEngine }) => byEngine));
  });

  void it('when all have been stopped and what is left is cleared, nothing is left', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const keeper = openKeeper(orchestrator, world);
    await Promise.all([keeper.start(orderOf('a-1')), keeper.start(orderOf('b-1', { version: '2' }))]);
    assert.notDeepEqual(await world.left(), []);
    await Promise.all(['a-1', 'b-1'].map((id) => keeper.stop(id)));
    await orchestrator.clear?.();
    assert.deepEqual(await world.left(), []);
    assert.equal(await world.alive(), 0);
  });
}
