import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gatewaysText } from './gateways-text.ts';

const gateway = (node: string | undefined, worker: number, revision = 12) => ({
  worker,
  ...(node !== undefined && { node }),
  pid: 1,
  connected: true,
  revision,
});

test('gateways are told by node, with their workers where there are several, and who acts on an older table', () => {
  const gateways = [gateway(undefined, 0), gateway('far-1', 0), gateway('far-1', 1), gateway('far-2', 0, 11)];
  assert.equal(gatewaysText({ gateways }), 'Gateways: here, far-1 (2 workers), far-2 (behind: table 11 of 12)\n');
});

test('where all are on the machine of control, or none is there, nothing is said of them', () => {
  assert.equal(gatewaysText({ gateways: [gateway(undefined, 0), gateway(undefined, 1)] }), '');
  assert.equal(gatewaysText({ gateways: [] }), '');
});
