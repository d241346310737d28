import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaObservation } from '../gateway/routing-table.ts';
import type { Fleet } from './fleet.ts';
import type { ConnectedGateway } from './connected-gateway.ts';
import { endStuck } from './stuck.ts';

const gateway = (...replicas: Partial<ReplicaObservation>[]): ConnectedGateway => ({
  worker: 0,
  pid: 1,
  revision: 1,
  keys: 0,
  history: [],
  latest: {
    kind: 'observation',
    worker: 0,
    at: 0,
    revision: 1,
    versions: [],
    replicas: replicas.map((replica) => Object.assign({ id: 'r', outstanding: 1, connected: true }, replica)),
  },
});

function killed(gateways: readonly ConnectedGateway[], kind: 'onnx' | 'server' = 'onnx'): string[] {
  const ended: string[] = [];
  const replica = { id: 'r', deployment: 'd', order: { launch: { runtime: { kind } } } };
  const fleet = { replicas: () => [replica], kill: (id: string) => ended.push(id) } as unknown as Fleet;
  endStuck(fleet, gateways, () => 5000);
  return ended;
}

test('a replica is ended when it computes what nobody has waited for, for as long as it may be silent', () => {
  assert.deepEqual(killed([gateway({ unwantedMs: 5000 })]), ['r']);
  assert.deepEqual(killed([gateway({ unwantedMs: 4999 })]), []);
  assert.deepEqual(killed([gateway({})]), []);
  assert.deepEqual(killed([]), []);
});

test('no worker ends what another has callers for, or may have', () => {
  const gone = gateway({ unwantedMs: 9000 });
  assert.deepEqual(killed([gone, gateway({ outstanding: 0 })]), ['r'], 'it has nothing there');
  assert.deepEqual(killed([gone, gateway()]), ['r'], 'it does not know it yet');
  assert.deepEqual(killed([gone, gateway({})]), [], 'its callers wait');
  assert.deepEqual(killed([gone, gateway({ unwantedMs: 100 })]), [], 'they have only just gone');
  const { latest: _latest, ...silent } = gone;
  assert.deepEqual(killed([gone, silent]), [], 'nobody knows');
});

test('another server is left to its own limit', () => {
  assert.deepEqual(killed([gateway({ unwantedMs: 60_000 })], 'server'), []);
});
