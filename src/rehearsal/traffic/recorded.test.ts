import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { perSecond } from './traffic.ts';
import { recordedTraffic, type Recording } from './recorded.ts';

const at = Date.UTC(2026, 10, 29, 14);
const recording = (arrivals: readonly (number | null)[], stepMs = 1000): Recording => ({
  from: at,
  stepMs,
  recordedMs: arrivals.map((count) => (count === null ? 0 : stepMs)),
  arrivals,
});

test('as many requests come in each slot as came, in order, whatever the seed', () => {
  const counts = fc.array(fc.nat(30), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(counts, fc.nat(), (given, seed) => {
      const made = recordedTraffic('d', recording(given), 'refuse', seed);
      assert.ok(made.kind === 'traffic' && made.traffic.times !== undefined);
      const { times } = made.traffic;
      assert.deepEqual([...perSecond(made.traffic)], given);
      assert.ok(times.every((time, index) => index === 0 || time >= (times[index - 1] as number)));
    }),
  );
});

test('ends that nobody recorded are left away, and the start is when it was', () => {
  const made = recordedTraffic('d', recording([null, null, 3, 0, null]), 'refuse', 1);
  assert.ok(made.kind === 'traffic');
  assert.deepEqual([...made.traffic.counts], [3, 0]);
  assert.equal(made.traffic.startWallMs, at + 2000);
  assert.deepEqual(recordedTraffic('d', recording([null, null]), 'telemetry', 1), { kind: 'nothing' });
});

test('a gap is refused, time without telemetry, or silence, as it is called', () => {
  const holes = recording([4, null, null, 8, null, 2]);
  const gaps = [
    { from: at + 1000, to: at + 3000 },
    { from: at + 4000, to: at + 5000 },
  ];
  assert.deepEqual(recordedTraffic('d', holes, 'refuse', 1), { kind: 'gaps', gaps });
  const blind = recordedTraffic('d', holes, 'telemetry', 1);
  assert.ok(blind.kind === 'traffic');
  assert.deepEqual([...blind.traffic.counts], [4, Number.NaN, Number.NaN, 8, Number.NaN, 2]);
  assert.deepEqual(blind.gaps, gaps);
  const [, second = 0, third = 0, , fifth = 0] = blind.traffic.loads;
  assert.ok(second > 4 && third > second && third < 8 && fifth === 5);
  const silent = recordedTraffic('d', holes, 'silence', 1);
  assert.ok(silent.kind === 'traffic');
  assert.deepEqual([...silent.traffic.counts], [4, 0, 0, 8, 0, 2]);
});

test('a slot that was seen in part stands for the whole of it', () => {
  const half = { ...recording([30], 60_000), recordedMs: [15_000] };
  const made = recordedTraffic('d', half, 'refuse', 1);
  assert.ok(made.kind === 'traffic');
  assert.deepEqual([...made.traffic.counts], [120]);
});
