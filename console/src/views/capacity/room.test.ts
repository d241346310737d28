import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { counted, placedOn } from './room.ts';

const deployment = (name: string, ids: readonly string[], max = 4): DeploymentView =>
  ({
    name,
    max,
    counts: { ready: ids.length },
    replicas: ids.map((id) => ({ id, deployment: name, state: 'ready' })),
  }) as unknown as DeploymentView;
const node = (ids: readonly string[]): NodeView =>
  ({ replicas: ids.map((id) => ({ id, deployment: 'd', cpuShare: 0.5, memoryBytes: 7 })) }) as unknown as NodeView;

test('a replica that the only node has not told of is there, and what it uses is not known', () => {
  const [d, ...others] = placedOn(node(['d-1']), [deployment('d', ['d-1', 'd-2']), deployment('e', [])], true);
  assert.deepEqual(others, [], 'who has none on it is not named');
  assert.deepEqual(
    d?.placed.map(({ replica, cpuShare }) => [replica.id, cpuShare]),
    [
      ['d-1', 0.5],
      ['d-2', null],
    ],
  );
});

test('of several nodes each has its own', () => {
  assert.deepEqual(
    placedOn(node(['d-2']), [deployment('d', ['d-1', 'd-2'])], false).flatMap(({ placed }) =>
      placed.map(({ replica }) => replica.id),
    ),
    ['d-2'],
  );
});

test('counts are over all deployments', () => {
  assert.deepEqual(counted([deployment('d', ['d-1'], 3), deployment('e', ['e-1', 'e-2'], 2)]), {
    replicas: 3,
    ready: 3,
    max: 5,
  });
});
