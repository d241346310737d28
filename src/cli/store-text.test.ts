import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeSeen } from '../control/store-seen.ts';
import { storeSettings } from '../config/store-specification.ts';
import type { StatusView } from '../api/schemas.ts';
import { storeText } from './store-text.ts';

const textOf = (settings: unknown, holder: string, token?: number, hasSecrets = true): string => {
  const store = storeSeen(storeSettings.parse(settings), '/data/flyball.db', holder, token, hasSecrets);
  return storeText({ store } as StatusView, 'laptop');
};

test('the status says who holds the store, and what goes with that machine', () => {
  const alone = textOf({ kind: 'sqlite' }, 'web-1');
  assert.match(alone, /^Store \/data\/flyball\.db: control on web-1 alone\n {2}when control is lost: .*last backup\n$/);
  const shared = textOf({ kind: 'postgres', url: 'postgres://me@db/x' }, 'web-1:/data, up since today', 7);
  assert.match(shared, /^Store postgres:\/\/me@db\/x: control web-1:\/data, up since today, lease token 7\n/);
  assert.match(shared, /another control .* takes over, with the models; series .* stay .*store\.md\)\n$/);
  const unsealed = textOf({ kind: 'postgres', url: 'postgres://me@db/x' }, 'web-1', 7, false);
  assert.match(unsealed, /so do the authority and the first key's file, without store\.sealKeyFile\n$/);
});

test('where this machine has both the store and control there is nothing to say', () => {
  assert.equal(textOf({ kind: 'sqlite' }, 'laptop'), '');
  assert.equal(storeText({} as StatusView, 'laptop'), '');
});

test('of control whose gateways are on other nodes it says what goes on there', () => {
  const sqlite = storeSeen(storeSettings.parse({ kind: 'sqlite' }), '/data/flyball.db', 'node1', undefined, true, true);
  assert.match(sqlite.loss, /bound to node1 and its volume: gateways and replicas on other nodes serve on/);
  const url = 'postgres://me@db/x';
  const postgres = storeSeen(storeSettings.parse({ kind: 'postgres', url, leaseMs: 9000 }), '', 'node1', 7, true, true);
  assert.match(postgres.loss, /serve on, and another control .* takes over, with the models, within 10 s; series/);
});
