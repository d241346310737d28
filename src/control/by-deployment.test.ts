import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { VersionObservation } from '../gateway/routing-table.ts';
import { byDeployment } from './by-deployment.ts';
import type { ConnectedGateway } from './connected-gateway.ts';
import { ejectionOf, loadOf, outstandingOf } from './observations.ts';
import type { Replica } from './replica.ts';

type Observation = NonNullable<ConnectedGateway['latest']>;

const names = ['a', 'b', 'c'];
const versions: fc.Arbitrary<VersionObservation[]> = fc
  .uniqueArray(
    fc.record({ deployment: fc.constantFrom(...names), version: fc.constantFrom('1', '2'), count: fc.nat(100) }),
    { selector: ({ deployment, version }) => `${deployment}:${version}`, maxLength: 6 },
  )
  .map(
    (all) =>
      all.map(({ deployment, version, count }) => ({
        deployment,
        version,
        arrivals: count,
        completed: count,
        late: 0,
        failed: count % 3,
        shed: { QUEUE_FULL: count % 2 },
        busyMs: 0,
        queueLength: count % 5,
        inFlight: count % 4,
        batchSizeCap: 8,
        latencyMs: { p50: count, p95: count, p99: count, n: 1 },
      })) as VersionObservation[],
  );
const observation = (at: number) =>
  fc.record({ versions, outstanding: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }) }).map(
    ({ versions: own, outstanding }) =>
      ({
        kind: 'observation',
        worker: 0,
        at,
        revision: 1,
        versions: own,
        replicas: names.map((name, index) => ({
          id: `${name}-1`,
          outstanding: outstanding[index] ?? 0,
          ...(outstanding[index] === 3 && { ejected: 'it is slow' }),
        })),
      }) as unknown as Observation,
  );
const gateways: fc.Arbitrary<ConnectedGateway[]> = fc.array(
  fc
    .record({
      latest: fc.option(observation(2000), { nil: undefined }),
      previous: fc.option(observation(1000), { nil: undefined }),
    })
    .map(({ latest, previous }) =>
      Object.assign(
        { worker: 0, pid: 1, revision: 1, keys: 0, history: [] },
        latest && { latest },
        previous && { previous },
      ),
    ),
  { maxLength: 3 },
);
const replicas = names.map((deployment) => ({ id: `${deployment}-1`, deployment }) as unknown as Replica);

test('of each deployment the part says what the whole says, and what is of none is in no part twice', () => {
  fc.assert(
    fc.property(gateways, (all) => {
      const known = byDeployment(replicas, all);
      let seen = 0;
      for (const name of [...names, 'none']) {
        const part = known(name);
        assert.deepEqual(
          part.replicas.map(({ id }) => id),
          name === 'none' ? [] : [`${name}-1`],
        );
        assert.deepEqual(loadOf(part.gateways, name, 3000), loadOf(all, name, 3000));
        if (name === 'none') continue;
        assert.equal(outstandingOf(part.gateways, `${name}-1`), outstandingOf(all, `${name}-1`));
        assert.equal(ejectionOf(part.gateways, `${name}-1`), ejectionOf(all, `${name}-1`));
        for (const { latest } of part.gateways) seen += (latest?.versions.length ?? 0) + (latest?.replicas.length ?? 0);
      }
      // So that a look at every one of a thousand deployments looks at everything once.
      const whole = all.reduce(
        (sum, { latest }) => sum + (latest?.versions.length ?? 0) + (latest?.replicas.length ?? 0),
        0,
      );
      assert.equal(seen, whole);
    }),
  );
});
