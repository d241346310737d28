import assert from 'node:assert/strict';
import { test } from 'node:test';
import { storeSeen } from '../control/store-seen.ts';
import { storeSettings } from '../config/store-specification.ts';
import type { StatusView } from '../api/schemas.ts';
import { storeText } from './store-text.ts';

const textOf = (settings: unknown, holder: string, token?: number): string =>
  storeText({ store: storeSeen(storeSettings.parse(settings), '/data/flyball.db', holder, token) } as StatusView);

test('the status says who holds the store, and what goes with that machine', () => {
  const alone = textOf({ kind: 'sqlite' }, 'web-1');
  assert.match(alone, /^Store \/data\/flyball\.db: control on web-1 alone\n {2}when control is lost: .*last backup\n$/);
  const shared = textOf({ kind: 'postgres', url: 'postgres://me@db/x' }, 'web-1:/data, up since today', 7);
  assert.match(shared, /^Store postgres:\/\/me@db\/x: control web-1:\/data, up since today, lease token 7\n/);
  assert.match(shared, /another control .* takes over/);
  assert.equal(storeText({} as StatusView), '');
});
