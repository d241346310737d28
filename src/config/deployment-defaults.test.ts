import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkDeployment } from './check.ts';
import { withModelDefaults } from './deployment-defaults.ts';
import { deploymentSpecification } from './specification.ts';

const parse = (written: object) => deploymentSpecification.parse({ model: 'm', ...written });

test('what the specification does not say, the model decides, and it is told', () => {
  const written = { queue: { lengthMax: 7 } };
  const { deployment, taken } = withModelDefaults(parse(written), written, {
    replicas: { min: 2, max: 4 },
    queue: { lengthMax: 64, priorityLevels: 5 },
    deadline: { defaultMs: 100, maxMs: 100 },
  });
  assert.deepEqual(deployment.replicas, { min: 2, max: 4 });
  assert.deepEqual(deployment.queue, { lengthMax: 7, priorityLevels: 5, priorityDefault: 2 });
  assert.deepEqual(deployment.deadline, { defaultMs: 100, maxMs: 100 });
  assert.deepEqual(taken, [
    'replicas.min 2',
    'replicas.max 4',
    'queue.priorityLevels 5',
    'deadline.defaultMs 100',
    'deadline.maxMs 100',
  ]);
});

test('without a word from the model nothing changes', () => {
  const deployment = parse({});
  assert.deepEqual(withModelDefaults(deployment, {}, undefined), { deployment, taken: [] });
});

const pair = (low: string, high: string, most: number) => {
  const bound = fc.integer({ min: 1, max: most });
  return fc.oneof(
    fc.constant(undefined),
    bound.map((min) => ({ [low]: min })),
    bound.map((max) => ({ [high]: max })),
    fc.tuple(bound, bound).map(([one, other]) => ({ [low]: Math.min(one, other), [high]: Math.max(one, other) })),
  );
};
const settings = fc
  .record({
    replicas: pair('min', 'max', 6),
    queue: pair('priorityDefault', 'priorityLevels', 6),
    deadline: pair('defaultMs', 'maxMs', 1_000_000),
  })
  .map((sections) => Object.fromEntries(Object.entries(sections).filter(([, value]) => value !== undefined)));

test('what is written stands, and what comes out is a valid deployment', () => {
  fc.assert(
    fc.property(settings, settings, (written, defaults) => {
      const parsed = deploymentSpecification.safeParse({ model: 'm', ...written });
      // One bound alone may contradict the schema's own default of the other.
      fc.pre(parsed.success && checkDeployment([], parsed.data).length === 0);
      if (!parsed.success) return;
      const { deployment } = withModelDefaults(parsed.data, written, defaults);
      assert.deepEqual(checkDeployment([], deployment), []);
      assert.ok(deploymentSpecification.safeParse(deployment).success);
      for (const [section, values] of Object.entries(written as Record<string, Record<string, number>>))
        for (const [key, value] of Object.entries(values))
          assert.equal((deployment as unknown as Record<string, Record<string, number>>)[section]?.[key], value);
    }),
  );
});
