import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { poison } from '../testing/fake-replicas.ts';
import { createGatewayBench, route, versionRoute } from '../testing/gateway-bench.ts';

const replicaNames = ['a', 'b', 'c'] as const;
const replica = fc.constantFrom(...replicaNames);

const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('arrive' as const),
      rows: fc.constantFrom(1, 1, 1, 2, 9),
      bad: fc.constantFrom(false, false, false, true),
      priority: fc.integer({ min: 1, max: 3 }),
      deadlineMs: fc.constantFrom(5, 50, 1000),
    }),
  },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('answer' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('die' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('come' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('freeze' as const), replica }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('watch' as const), ms: fc.integer({ min: 1, max: 1200 }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hangUp' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('table' as const),
      states: fc.array(fc.constantFrom('ready' as const, 'draining' as const, 'gone' as const), {
        minLength: 3,
        maxLength: 3,
      }),
      delayMs: fc.constantFrom(0, 0, 10),
    }),
  },
);

test('whatever happens in whatever order, every request ends exactly once and nothing is started past its deadline', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 60 }), async (events) => {
      const b = createGatewayBench(
        { replicas: replicaNames.map((name) => route(name)), batching: { sizeMax: 4, delayMs: 0 } },
        { queue: { lengthMax: 6, priorityLevels: 3, priorityDefault: 2 } },
      );
      const hangUps: AbortController[] = [];
      const deadlines = new Map<string, number>();
      let logged = 0;
      const step = (act: () => void): void => {
        act();
        for (const line of b.replicas.log.slice(logged).filter((each) => !each.endsWith('how are you')))
          for (const name of (line.split(': ')[1] ?? '').split('+'))
            assert.ok((deadlines.get(name) ?? 0) > b.clock.now(), `${name} was started past its deadline`);
        logged = b.replicas.log.length;
      };
      const answer = (name: string): boolean => {
        if (!b.replicas.calls.some((call) => call.replica === name)) return false;
        b.replicas.answer(name, 3);
        return true;
      };
      for (const now of events) {
        switch (now.kind) {
          case 'arrive': {
            const name = `r${deadlines.size}`;
            deadlines.set(name, b.clock.now() + now.deadlineMs);
            const { deadlineMs, priority, rows } = now;
            step(() => hangUps.push(b.send(name, { deadlineMs, priority }, now.bad ? poison : 1, rows)));
            break;
          }
          case 'answer':
            step(() => void answer(now.replica));
            break;
          case 'die':
            step(() => b.replicas.die(now.replica));
            break;
          case 'come':
            step(() => b.replicas.come(now.replica));
            break;
          case 'freeze':
            step(() => b.replicas.freeze(now.replica));
            break;
          case 'watch':
            for (let ms = 0; ms < now.ms; ms += 1) {
              step(() => b.clock.pass(1));
              if (ms % 100 === 0) step(() => b.dispatcher.watch());
            }
            break;
          case 'hangUp':
            step(() => hangUps[now.which % Math.max(hangUps.length, 1)]?.abort());
            break;
          case 'pass':
            for (let ms = 0; ms < now.ms; ms += 1) step(() => b.clock.pass(1));
            break;
          case 'table':
            step(() => {
              const replicas = replicaNames.flatMap((name, index) => {
                const state = now.states[index] ?? 'gone';
                return state === 'gone' ? [] : [route(name, state)];
              });
              b.apply({}, [versionRoute({ replicas, batching: { sizeMax: 4, delayMs: now.delayMs } })]);
            });
            break;
          default:
            now satisfies never;
        }
      }
      // The end: everybody who is still there is answered or meets the deadline.
      while (replicaNames.some((name) => answer(name)));
      b.clock.pass(2000);
      while (replicaNames.some((name) => answer(name)));
      await b.settle();
      const names = b.ends.map((end) => end.split(' ')[0] ?? '');
      assert.equal(names.length, deadlines.size);
      assert.deepEqual(new Set(names), new Set(deadlines.keys()));
      const { arrivals, completed, failed, shed, queueLength, inFlight } = b.dispatcher.observe().versions[0] ?? {
        arrivals: 0,
        completed: 0,
        failed: 0,
        shed: {},
        queueLength: 0,
        inFlight: 0,
      };
      const shedCount = Object.values(shed).reduce((sum, count) => sum + count, 0);
      assert.deepEqual([completed + failed + shedCount, queueLength, inFlight], [arrivals, 0, 0]);
      for (const { outstanding } of b.dispatcher.observe().replicas) assert.equal(outstanding, 0);
    }),
    { numRuns: 300 },
  );
});
