/** What a replica may use, and what becomes of one that uses more. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import type { ReplicaExit } from '../../control/orchestrator.ts';
import { orderOf } from '../lone-replica.ts';
import { until } from '../until.ts';
import { isReady, settledIn } from './orchestrator-keeper.ts';
import { itIsDeclared, type OrchestratorUnderTest } from './orchestrator.ts';

const { signal } = new AbortController();
/** No runtime starts in so little, and no engine takes less. */
const littleBytes = 8 * 1_048_576;

export function limits(driver: OrchestratorUnderTest): void {
  if (driver.unlimited !== undefined) {
    void it('limits hold', { skip: driver.unlimited }, () => {});
    return;
  }

  itIsDeclared(driver, 'limits from the start', async (world) => {
    await using orchestrator = await world.open();
    const resources = { cpu: 0.5 };
    const replica = await orchestrator.start({ ...orderOf('a-1'), resources }, signal);
    await isReady(replica, world);
    const cores = (): Promise<number | undefined> | undefined => world.coresOf?.(replica.where);
    const before = await cores();
    assert.deepEqual(await orchestrator.settle('a-1', resources), { kind: 'enforced' });
    assert.equal(await cores(), 0.5);
    const changed = await orchestrator.settle('a-1', { cpu: 0.25 });
    if (changed.kind === 'unenforced') assert.notEqual(changed.reason, '');
    const after = await cores();
    const isChanged = after === 0.25;
    assert.equal(changed.kind, isChanged ? 'enforced' : 'unenforced');
    assert.equal((await orchestrator.settle('nobody', resources)).kind, 'none');
    if (before === undefined && isChanged) return 'as the seam says';
    assert.deepEqual([before, after], [0.5, 0.5]);
    return 'as the deviation says';
  });

  void it('a replica that takes more memory than it may is ended, and its reason says so', async () => {
    await using world = await driver.engine();
    await using orchestrator = await world.open();
    const exits: ReplicaExit[] = [];
    orchestrator.onExit((exit) => exits.push(exit));
    const order = { ...orderOf('a-1'), resources: { memoryBytes: littleBytes } };
    const reason = await orchestrator.start(order, signal).then(
      () => until('the exit', () => exits[0]?.reason),
      (error: Error) => error.message,
    );
    assert.match(reason, /its limit of .+ \(resources\.memory\)/);
    assert.deepEqual(await orchestrator.list(), []);
    await settledIn(world, 0);
  });
}
