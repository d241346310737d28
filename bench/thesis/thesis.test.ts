import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { alertPeriodSeconds, arms, requestsWithin, scalingOf, type Arm } from './arms.ts';
import { cutWords, rowsOf, tableOf, type ArmRun, type Runs } from './judge.ts';
import { stepMachines, workersAsked, type Machines } from './machines.ts';
import { isOccupying, workerSeconds, type Sample } from './worker-seconds.ts';

describe('worker-seconds', () => {
  test('each count holds until the next, the first before it and the last after it', () => {
    const samples = [
      { at: 1, workers: 2 },
      { at: 3, workers: 6 },
    ];
    assert.equal(workerSeconds(samples, 0, 5), 3 * 2 + 2 * 6);
    assert.equal(workerSeconds(samples, 2, 4), 2 + 6);
    assert.equal(workerSeconds(samples, 3.5, 4), 3);
  });

  test('nothing seen is an error and not zero', () => {
    assert.throws(() => workerSeconds([], 0, 1), /expected at least one sample/);
  });

  const history = fc
    .array(fc.record({ gap: fc.integer({ min: 0, max: 20 }), workers: fc.integer({ min: 0, max: 6 }) }), {
      minLength: 1,
    })
    .map((steps) => {
      let at = 0;
      return steps.map(({ gap, workers }): Sample => ({ at: (at += gap), workers }));
    });
  const time = fc.integer({ min: 0, max: 200 });

  test('they add up over neighbouring times, and lie between fewest and most', () => {
    fc.assert(
      fc.property(history, time, time, time, (samples, ...times) => {
        const [from, middle, to] = times.toSorted((a, b) => a - b) as [number, number, number];
        const whole = workerSeconds(samples, from, to);
        assert.equal(whole, workerSeconds(samples, from, middle) + workerSeconds(samples, middle, to));
        const counts = samples.map(({ workers }) => workers);
        assert.ok(whole >= Math.min(...counts) * (to - from) && whole <= Math.max(...counts) * (to - from));
      }),
    );
  });

  test('a task costs from when a node has it until it is over', () => {
    const seen = (State: string, NodeID = 'n'): boolean => isOccupying({ NodeID, Status: { State } });
    assert.deepEqual(
      ['pending', 'preparing', 'running', 'shutdown', 'failed'].map((state) => seen(state)),
      [false, true, true, false, false],
    );
    assert.equal(seen('running', ''), false);
  });
});

describe('machines that take their time', () => {
  const start: Machines = { on: new Set([1, 2]), ordered: new Map() };
  const wanted = { workers: 4, busy: new Set([1, 2]), fewest: 2, most: 6 };

  test('what the nodes have no room for is asked for', () => {
    const cuts = [
      { stage: 'rate', from: 6, to: 5 },
      { stage: 'room', from: 5, to: 2 },
    ];
    assert.equal(workersAsked({ desired: 2, decision: { cuts } }), 5);
    assert.equal(workersAsked({ desired: 3, decision: { cuts: [] } }), 3);
    assert.equal(workersAsked({ desired: 2 }), 2);
  });

  test('one is switched on only when its lag is over', () => {
    const asked = stepMachines(start, wanted, 10, 150);
    assert.deepEqual(asked.switchOn, []);
    assert.deepEqual(
      [...asked.machines.ordered],
      [
        [3, 160],
        [4, 160],
      ],
    );
    assert.deepEqual(stepMachines(asked.machines, wanted, 159, 150).switchOn, []);
    assert.deepEqual(stepMachines(asked.machines, wanted, 160, 150).switchOn, [3, 4]);
  });

  test('what is ordered comes although it is not wanted any more, and is given back once nothing runs on it', () => {
    const asked = stepMachines(start, { ...wanted, workers: 3 }, 0, 5).machines;
    const come = stepMachines(asked, { ...wanted, workers: 2 }, 5, 5);
    assert.deepEqual([come.switchOn, come.giveBack], [[3], []]);
    const busy = stepMachines(come.machines, { ...wanted, workers: 2, busy: new Set([1, 2, 3]) }, 6, 5);
    assert.deepEqual(busy.giveBack, []);
    assert.deepEqual(stepMachines(busy.machines, { ...wanted, workers: 2 }, 7, 5).giveBack, [3]);
  });

  test('there are never fewer than the fewest nor more than the most', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 0, max: 20 }), fc.subarray([1, 2, 3, 4, 5, 6]))), (steps) => {
        let machines = start;
        for (const [at, [workers, busy]] of steps.entries()) {
          ({ machines } = stepMachines(machines, { ...wanted, workers, busy: new Set(busy) }, at, 3));
          assert.ok(machines.on.has(1) && machines.on.has(2));
          assert.ok(machines.on.size + machines.ordered.size <= 6);
        }
      }),
    );
  });
});

describe("the thesis's experiment", () => {
  const run = (workers: number, seconds: number, more: Partial<ArmRun> = {}): ArmRun => ({
    requests: 3000,
    seconds,
    workerSeconds: workers * seconds,
    workerSecondsAfter: 2 * workers * seconds,
    workersMost: workers,
    p99Ms: 1000,
    cpuSeconds: { generator: 1, gateways: 2, rest: 3 },
    ...more,
  });
  const [two, four, six, thresholds, slo] = arms as [Arm, Arm, Arm, Arm, Arm];
  const runs = (governed: ArmRun): Runs =>
    new Map([
      [two, [run(2, 300)]],
      [four, [run(4, 150)]],
      [six, [run(6, 100)]],
      [thresholds, [run(3, 220)]],
      [slo, [governed]],
    ]);
  const verdicts = (governed: ArmRun): boolean[] =>
    rowsOf('m', runs(governed))
      .filter(({ bar }) => bar !== null)
      .map(({ ok }) => ok);

  test('holds where the governed run is fast and gives back what it took', () => {
    assert.deepEqual(verdicts(run(6, 110, { workerSeconds: 600, workerSecondsAfter: 850 })), [true, true, true]);
  });

  test('each bar is missed by itself', () => {
    assert.deepEqual(verdicts(run(2, 210, { workerSeconds: 420, workerSecondsAfter: 840 })), [false, true, true]);
    assert.deepEqual(verdicts(run(6, 112, { workerSeconds: 672, workerSecondsAfter: 900 })), [true, false, true]);
    assert.deepEqual(verdicts(run(6, 100, { workerSecondsAfter: 1200 })), [true, true, false]);
  });

  test("the table has each run beside the thesis's, with its ratio", () => {
    const lines = tableOf('m', runs(run(6, 110))).split('\n');
    assert.equal(lines.length, 1 + arms.length);
    assert.match(lines[2] ?? '', /4 workers +150 +2\.00 +4 +600 +1200 +1211\.91 +2\.07 +4848/);
    assert.match(lines[4] ?? '', /80\/40 thresholds +220 +1\.36 .* 1922\.78 +1\.31 +–/);
    assert.match(lines[5] ?? '', /SLO policy +110 +2\.73 .* – +– +–/);
  });

  test('more rounds show their range', () => {
    const many: Runs = new Map([...runs(run(6, 110))].map(([arm, [one]]) => [arm, [one, run(2, 50)] as ArmRun[]]));
    assert.match(tableOf('m', many), /2 workers +175 \(50\.00…300\)/);
  });

  test('fewer requests are sent where a run would take too long, and it is said', () => {
    assert.equal(requestsWithin(3000, 11, 600), 3000);
    assert.equal(requestsWithin(3000, 2.51, 600), 1500);
    assert.equal(requestsWithin(3000, 0.1, 600), 60);
    assert.match(cutWords('m', 1500, 3000, 600), /1500 requests in place of 3000/);
    assert.match(cutWords('m', 100, 100, 600), /as asked for/);
    assert.equal(cutWords('m', 3000, 3000, 600), '');
  });

  test("the rule's period is the thesis's share of the baseline's run", () => {
    assert.equal(alertPeriodSeconds(2511.32), 300);
    assert.equal(alertPeriodSeconds(251.132), 30);
    assert.equal(alertPeriodSeconds(1), 1);
    const { scaling } = scalingOf(thresholds, 30) as { scaling: { parameters: object } };
    assert.deepEqual(scaling.parameters, { upper: 0.8, lower: 0.4, sustainedSeconds: 30 });
  });
});
