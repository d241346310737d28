import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { SwarmService } from './engine.ts';
import { planService } from './plan.ts';
import { writeRoster, type Roster } from './roster.ts';
import { labels } from './service-spec.ts';

const rosterOf = (count: number, lost = 0): Roster => ({
  replicas: new Map(Array.from({ length: count }, (_, index) => [`r${index}`, `t${index}`])),
  lost: new Set(Array.from({ length: lost }, (_, index) => `l${index}`)),
});

function service(replicas: number, held = replicas, roster = rosterOf(held)): SwarmService {
  return {
    id: 's',
    version: 1,
    spec: {
      Name: 'x',
      Labels: { [labels.held]: String(held), [labels.roster]: writeRoster(roster) },
      TaskTemplate: {},
      Mode: { Replicated: { Replicas: replicas } },
    },
  };
}

const corrects = { made: true, corrects: true };
const advises = { made: true, corrects: false };

test('nothing is written where all is as it should be', () => {
  const plan = planService(service(3), { roster: rosterOf(3), vacancies: [] }, 0, corrects);
  assert.deepEqual(plan, { write: { kind: 'none' }, replicas: 3 });
});

test('more are had at once, also for those that the engine does not know to be dead', () => {
  assert.equal(planService(service(3), { roster: rosterOf(6), vacancies: [] }, 0, corrects).replicas, 6);
  assert.equal(planService(service(3), { roster: rosterOf(3, 2), vacancies: [] }, 0, corrects).replicas, 5);
});

test('the place of one that has ended is kept for a while: the engine is not told to end another', () => {
  const wanted = { roster: rosterOf(2), vacancies: [100] };
  assert.equal(planService(service(3), wanted, 50, corrects).replicas, 3);
  assert.equal(planService(service(3), wanted, 150, corrects).replicas, 2);
});

test('the last one takes the service along', () => {
  const plan = planService(service(1), { roster: rosterOf(0), vacancies: [] }, 0, corrects);
  assert.equal(plan.write.kind, 'remove');
});

test('what others have added is told, and put right only where that is allowed', () => {
  const added = { roster: rosterOf(2), vacancies: [] };
  const right = planService(service(5, 2), added, 0, corrects);
  assert.match(right.drift ?? '', /5 replicas where 2 are held/);
  assert.equal(right.replicas, 2);
  const left = planService(service(5, 2), added, 0, advises);
  assert.match(left.drift ?? '', /5 replicas where 2 are held/);
  assert.equal(left.replicas, 5);
  assert.equal(left.write.kind, 'none');
});

test('what others have taken away comes back', () => {
  const plan = planService(service(1, 3), { roster: rosterOf(3), vacancies: [] }, 0, advises);
  assert.equal(plan.replicas, 3);
  assert.notEqual(plan.drift, undefined);
});

test('a service that others have removed is made again', () => {
  const plan = planService(undefined, { roster: rosterOf(2), vacancies: [] }, 0, corrects);
  assert.equal(plan.write.kind, 'create');
  assert.match(plan.drift ?? '', /the service is gone/);
});

test('never fewer than are held; and what was written needs no second writing', () => {
  const numbers = fc.record({
    found: fc.nat(10),
    last: fc.nat(10),
    held: fc.nat(10),
    lost: fc.nat(3),
    vacancies: fc.array(fc.integer({ min: -10, max: 10 }), { maxLength: 3 }),
    corrects: fc.boolean(),
  });
  fc.assert(
    fc.property(numbers, ({ found, last, held, lost, vacancies, corrects: may }) => {
      const wanted = { roster: rosterOf(held, lost), vacancies };
      const plan = planService(service(found, last), wanted, 0, { made: true, corrects: may });
      assert.ok(plan.replicas >= held + lost);
      if (plan.write.kind !== 'update') return;
      const next = planService({ id: 's', version: 2, spec: plan.write.spec }, wanted, 0, {
        made: true,
        corrects: may,
      });
      assert.equal(next.write.kind, 'none');
    }),
  );
});
