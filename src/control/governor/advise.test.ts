/** A dry run that can be trusted: what advise says is what auto would do, and nothing of it is done. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { governedWorld, type Load } from '../../testing/governed-world.ts';
import { stillnessOf } from '../../core/scaling/stillness.ts';
import { whyNow, whyThen } from './why.ts';

const traceOf = (queued: number): readonly Load[] => [
  ...Array.from({ length: 25 }, (): Load => ({ rate: 40, cpu: 0.95, queued })),
  ...Array.from({ length: 10 }, (): Load => ({ rate: 20, cpu: 0.6 })),
  ...Array.from({ length: 40 }, (): Load => ({ rate: 1, cpu: 0.05 })),
];

const policies: readonly {
  readonly policy: string;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly queued?: number;
}[] = [
  { policy: 'thresholds', parameters: { sustainedSeconds: 3 } },
  {
    policy: 'ray',
    parameters: { targetOngoingRequests: 1, upscaleDelaySeconds: 0, downscaleDelaySeconds: 2, lookBackSeconds: 1 },
    queued: 8,
  },
  { policy: 'kpa', parameters: { target: 1, utilization: 1 }, queued: 8 },
  // Without a queue that grows whatever is raised: what the governor learns of a raise of its own is another input.
  { policy: 'slo' },
];

for (const { policy, parameters = {}, queued = 0 } of policies)
  test(`${policy} in advise decides on a trace what it decides in auto, byte for byte, and does none of it`, async () => {
    await using acting = await governedWorld({ policy, parameters, mode: 'auto', modeReason: 'a test' });
    await using advising = await governedWorld({ policy, parameters, mode: 'advise' });
    let changes = 0;
    for (const load of traceOf(queued)) {
      await acting.pass(1, load);
      await advising.pass(1, load);
      const [did, said] = [acting, advising].map((world) => world.governor().of('d')?.last);
      assert.ok(did !== undefined && said !== undefined);
      assert.equal(JSON.stringify(said.thought.describe()), JSON.stringify(did.thought.describe()));
      if (did.done.kind === 'moved') {
        changes += 1;
        assert.equal(said.done.kind, 'advised');
      } else assert.equal(said.done.kind, 'held');
      assert.notEqual(said.done.kind, 'moved');
      assert.equal(stillnessOf(did.thought.describe(), did.done) === undefined, did.done.kind === 'moved');
      assert.notEqual(stillnessOf(said.thought.describe(), said.done), undefined);
      // A person does by hand what was advised: both see the same fleet again. It is not the governor's doing.
      const { record } = advising.deployment;
      Object.assign(advising.deployment, { record: { ...record, desired: acting.target } });
    }
    assert.ok(changes >= 2, `${policy}: ${changes} changes`);
    // Everything that moves a target writes it here first.
    assert.equal((await advising.store.deployment('d'))?.desired, 1);
    const moved = (await advising.journal.read({ limit: 1000 })).filter(({ action }) => /^\d+ → \d+$/.test(action));
    assert.deepEqual(moved, []);
  });

test('why tells each limit and whether it bit, and why nothing is done: of now, and of an earlier moment', async () => {
  await using world = await governedWorld({ policy: 'thresholds', parameters: { sustainedSeconds: 3 } });
  await world.pass(20, { rate: 40, cpu: 0.95 });
  const parts = { ...world, governor: world.governor() };
  const now = await whyNow(world.deployment, parts);
  assert.equal(now.still?.kind, 'mode');
  assert.deepEqual(
    now.decision?.chain?.map(({ stage }) => stage),
    ['doubt', 'sound', 'stabilisation', 'rate', 'blast radius', 'flaps', 'freeze', 'cost', 'bounds'],
  );
  assert.partialDeepStrictEqual(now.decision?.chain?.at(-1), { stage: 'bounds', min: 1, max: 8, bit: false });
  assert.equal(now.decision?.raw?.by, 'thresholds');
  const then = await whyThen(world.deployment, world.clock.wall(), parts);
  assert.equal(then.still?.kind, 'mode');
  assert.equal(then.decision?.chain?.length, 9);
});
