import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpecification } from '../../config/load.ts';
import type { ClusterMember } from '../../core/placement/node.ts';
import type { StackOrder } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { addressesOf } from './text.ts';

const member = (id: string): ClusterMember =>
  ({ id, name: `node${id}`, address: `10.0.0.${id}` }) as Partial<ClusterMember> as ClusterMember;
const order: StackOrder = {
  specification: parseSpecification('name: fleet', 'a test'),
  image: 'flyball:1',
  managers: [member('1'), member('2')],
  home: '2',
  socketGroup: 0,
  authority: 'f00d',
  insecure: true,
};

test('the gateway beside control is remembered first, the others by their names, however the engine lists them', () => {
  const { control, http, grpc } = addressesOf(order, ['3', '1', '2'].map(member));
  assert.deepEqual(control, ['http://10.0.0.2:8080']);
  assert.deepEqual(http, ['http://10.0.0.2:8000', 'http://10.0.0.1:8000', 'http://10.0.0.3:8000']);
  assert.deepEqual(grpc, ['grpc://10.0.0.2:8001', 'grpc://10.0.0.1:8001', 'grpc://10.0.0.3:8001']);
});
