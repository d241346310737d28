/** What the specification says of scaling is what the core holds a target to. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deploymentSpecification } from '../../config/specification.ts';
import { constrain, startConstraints } from '../../core/scaling/constrain.ts';
import { constraintsOf } from './settings.ts';

const constraintsFor = (scaling: object) =>
  constraintsOf(deploymentSpecification.parse({ model: 'm', replicas: { min: 0, max: 100 }, scaling }));

/** What comes of one wish, second after second. */
function course(scaling: object, wish: number, from: number, seconds: number): number[] {
  const set = constraintsFor(scaling);
  let memory = startConstraints(set, from, 0);
  let target = from;
  const targets: number[] = [];
  for (let second = 1; second <= seconds; second += 1) {
    const step = constrain(memory, wish, target, set, 0, second * 1000);
    memory = step.memory;
    target = step.target;
    targets.push(target);
  }
  return targets;
}

test('where nothing is said a target goes where it is wished, within the bounds', () => {
  assert.deepEqual(course({}, 80, 4, 1), [80]);
  assert.deepEqual(course({}, 200, 4, 1), [100]);
  // Sleep and wake are upkeep's.
  assert.deepEqual(course({}, 0, 4, 1), [1]);
});

test('a rate is of any period, and of a number and a share the larger counts', () => {
  const up = { upRate: { replicas: 2, percent: 50, periodMs: 3000 } };
  assert.deepEqual(course(up, 20, 2, 9), [4, 4, 4, 6, 6, 6, 9, 9, 9]);
  const down = { downRate: { percent: 50, periodMs: 2000 } };
  assert.deepEqual(course(down, 1, 16, 7), [8, 8, 4, 4, 2, 2, 1]);
  assert.deepEqual(course(down, 20, 16, 1), [20], 'the other way is free');
});

test('a rate that says nothing, or of no length, is refused', () => {
  for (const rate of [{}, { periodMs: 5000 }, { replicas: 0 }, { replicas: 1, periodMs: 0 }])
    assert.equal(
      deploymentSpecification.safeParse({ model: 'm', scaling: { upRate: rate } }).success,
      false,
      JSON.stringify(rate),
    );
});
