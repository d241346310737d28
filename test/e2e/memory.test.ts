/**
 * Many models in little memory, with real processes: a budget that two replicas fill, and four deployments that are all
 * asked. Who was asked least recently gives its memory back, by the word of the kernel, and everybody is answered.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { addsub } from '../fixtures/models.ts';
import { ask, v2 } from '../support/ask.ts';
import { runnersOf } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const ones = Array.from({ length: 16 }, () => 1);
const body = v2(
  { name: 'INPUT0', datatype: 'INT32', shape: [1, 16], data: ones },
  { name: 'INPUT1', datatype: 'INT32', shape: [1, 16], data: ones },
);
const names = ['a', 'b', 'c', 'd'];
/** A replica of so small a model is expected to hold 144 MiB, and holds about as much once it has been asked. */
const budgetMiB = 300;
const sampleMs = 20;

const residentMiB = (pids: readonly number[]): number =>
  pids.reduce((sum, pid) => {
    try {
      return sum + Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
    } catch {
      return sum; // it has ended in between
    }
  }, 0);

/** The most runners and memory that are there at once, from now until it is disposed. */
function watch(platform: Platform): Disposable & { readonly most: { runners: number; residentMiB: number } } {
  const most = { runners: 0, residentMiB: 0 };
  const timer = setInterval(() => {
    const pids = runnersOf(platform);
    most.runners = Math.max(most.runners, pids.length);
    most.residentMiB = Math.max(most.residentMiB, residentMiB(pids));
  }, sampleMs);
  return { most, [Symbol.dispose]: () => clearInterval(timer) };
}

test('under a tight budget the least recently asked gives its memory back, and everybody is answered', async (context) => {
  await using platform = await startPlatform({
    models: { 'addsub/1/model.onnx': addsub() },
    specification: {
      models: { addsub: { path: './models/addsub' } },
      deployments: Object.fromEntries(
        names.map((name) => [name, { model: 'addsub', replicas: { min: 0, idleMs: 600_000 }, drainMs: 2000 }]),
      ),
      node: { memory: `${budgetMiB}MiB` },
    },
  });
  await until('the gateway to know them', async () => {
    const { status } = await ask(`${platform.http}/v2/models/d/ready`);
    return status === 200 ? true : undefined;
  });
  const infer = async (name: string): Promise<number> =>
    (await ask(`${platform.http}/v2/models/${name}/infer`, { body })).status;
  const become = (serving: readonly string[]): Promise<true> =>
    until(`${serving.join(' and ')} to serve, and the others to sleep`, async () => {
      const { deployments } = await platform.status();
      const right = deployments.every(({ name, state }) => state === (serving.includes(name) ? 'serving' : 'asleep'));
      return (right && runnersOf(platform).length === serving.length) || undefined;
    });
  using seen = watch(platform);

  for (const [name, serving] of [
    ['a', ['a']],
    ['b', ['a', 'b']],
    ['c', ['b', 'c']],
    ['b', ['b', 'c']],
    ['d', ['b', 'd']],
    ['a', ['d', 'a']],
  ] as const) {
    assert.equal(await infer(name), 200, name);
    await become(serving);
  }

  // All at once and again: those that do not fit wait for those that do.
  for (let round = 0; round < 3; round++) {
    const answers = await Promise.all(names.flatMap((name) => [infer(name), infer(name), infer(name)]));
    assert.deepEqual(new Set(answers), new Set([200]));
  }
  const { runners, residentMiB: most } = seen.most;
  context.diagnostic(`at most ${runners} of ${names.length} runners at once, ${Math.round(most)} of ${budgetMiB} MiB`);
  assert.ok(most <= budgetMiB, `${most} MiB`);
  // Two fit, and a third where those that have just come hold less yet; never all.
  assert.ok(runners >= 2 && runners < names.length, `${runners} runners`);
});
