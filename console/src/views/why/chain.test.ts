import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyView } from '../../../../src/api/schemas.ts';
import { headline, limits, most, room, steps } from './chain.ts';

const decision = {
  held: 4,
  target: 6,
  by: 'slo',
  reason: 'the mean of 3 s',
  wished: 9,
  said: [],
  cuts: [
    { stage: 'rate', from: 9, to: 7, reason: '2 in 30 s' },
    { stage: 'bounds', from: 7, to: 6, reason: 'at most 6' },
  ],
  unsound: [],
};
const why = (changes: object = {}): WhyView =>
  ({ deployment: 'd', desired: 6, decision, ...changes }) as unknown as WhyView;

const link = (stage: string, from: number, to: number, room: { min?: number; max?: number }, by?: string) => ({
  stage,
  from,
  to,
  bit: from !== to,
  reason: `because of ${stage}`,
  min: room.min ?? null,
  max: room.max ?? null,
  ...(by !== undefined && { by }),
});
const chained = {
  ...decision,
  raw: { target: 9, by: 'slo', reason: 'the mean of 3 s' },
  chain: [
    link('claim', 9, 9, { min: 2 }, 'release of version 2'),
    link('rate', 9, 7, { max: 7 }),
    link('freeze', 7, 7, {}),
    link('bounds', 7, 6, { min: 1, max: 6 }),
  ],
};

test('each step begins where the one before ended, and the last is the target, with a chain and without one', () => {
  for (const one of [decision, chained]) {
    const all = steps(one);
    assert.deepEqual(
      all.map(({ name, from, to }) => [name, from, to]),
      [
        ['held', 4, 4],
        ['asked for by slo', 4, 9],
        ['rate', 9, 7],
        ['bounds', 7, 6],
        ['target', 6, 6],
      ],
    );
    for (const [index, step] of all.entries()) if (index > 0) assert.equal(step.from, all[index - 1]?.to);
    assert.equal(most(all), 9);
  }
});

test('each limit is told of, with what it lets through, whether it bit or not', () => {
  assert.deepEqual(
    limits(chained).map((limit) => [limit.name, limit.bit, room(limit)]),
    [
      ['claim: release of version 2', false, 'at least 2'],
      ['rate', true, 'at most 7'],
      ['freeze', false, 'no limit'],
      ['bounds', true, '1 to 6'],
    ],
  );
  assert.deepEqual(
    limits(decision).map((limit) => [limit.name, room(limit)]),
    [
      ['rate', 'at most 7'],
      ['bounds', 'at most 6'],
    ],
  );
});

test('the head says what changed, or that nothing did', () => {
  assert.equal(headline(why()), 'd: 4 → 6 replicas');
  assert.equal(headline(why({ decision: { ...decision, held: 1, target: 1 } })), 'd: 1 replica, as before');
  assert.equal(headline(why({ decision: undefined, desired: 1 })), 'd: 1 replica wanted');
});
