import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CallSamples } from './call-samples.ts';

const call = (ms: number) => ({ rows: 1, restMs: 0, busy: 1, nth: 1, ms });

test('few calls are told one by one, with what they were like', () => {
  const samples = new CallSamples();
  assert.equal(samples.take(), undefined);
  samples.note({ rows: 2, restMs: 12.345_678, busy: 3, nth: 4, ms: 5 });
  assert.deepEqual(samples.take(), { count: 1, samples: [[2, 12.346, 3, 4, 5]] });
  assert.equal(samples.take(), undefined);
});

test('of many calls a few are told, evenly over all of them, with how many there were', () => {
  for (const count of [33, 100, 1000, 54_321]) {
    const samples = new CallSamples();
    for (let ms = 0; ms < count; ms += 1) samples.note(call(ms));
    const taken = samples.take();
    assert.equal(taken?.count, count);
    const times = (taken?.samples ?? []).map(([, , , , ms]) => ms ?? Number.NaN);
    assert.ok(times.length > 16 && times.length <= 32, String(times.length));
    const apart = times.slice(1).map((ms, index) => ms - (times[index] as number));
    assert.equal(new Set(apart).size, 1, `${count}: ${times.join(' ')}`);
    assert.ok(count - (times.at(-1) as number) <= (apart[0] as number));
  }
});
