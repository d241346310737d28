import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readLog } from './requests.ts';
import { stageSeconds, type RiseSeen } from './stages.ts';

test('a run lasts from its first request to its last answer, whatever the order of the log', () => {
  const log = '2000000\t200\t500000\n1000000\t200\t250000\n1500000\t200\t2500000\n';
  assert.deepEqual(readLog(log), { seconds: 3, p99Ms: 2500 });
});

test('a stage is over when the last replica has reached it or a later one', () => {
  const look = (at: number, counts: readonly [number, number, number, number, number]): RiseSeen => {
    const [ordered, running, loaded, warmed, ready] = counts;
    return { at, ordered, running, loaded, warmed, ready };
  };
  const seen = [
    look(0.1, [6, 1, 1, 1, 1]),
    look(0.8, [6, 5, 3, 1, 1]),
    // The engine tells of the last task only after control has seen it loaded.
    look(1.2, [6, 5, 6, 4, 4]),
    look(1.5, [6, 6, 6, 6, 5]),
  ];
  assert.deepEqual(stageSeconds(seen, 6), { ordered: 0.1, running: 1.2, loaded: 1.2, warmed: 1.5, ready: undefined });
});
