/** What a key that holds for some deployments may do, where the path does not name one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openAuthenticator } from '../auth/authenticator.ts';
import { openSqliteStore } from '../drivers/stores/sqlite.ts';
import { makeKey } from '../auth/key.ts';
import type { ControlService } from '../control/control-service.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import { startApi } from './server.ts';

const limits = { bodyBytesMax: 10_000, headerBytesMax: 16_384, connectionsMax: 10 };
const waiting = ['a', 'b'].map((deployment) => ({
  id: `of-${deployment}`,
  deployment,
  from: 1,
  to: 2,
  reason: 'load',
  at: 1,
  expiresAt: 2,
}));

test('a key for one deployment sees and decides about the changes of that one, in its own name', async () => {
  const auth = openAuthenticator(createVirtualClock());
  const [wide, narrow, reads] = [makeKey(), makeKey(), makeKey()];
  const deployments = ['a'];
  auth.apply({
    revision: 1,
    keys: [
      { id: wide.id, hash: wide.hash, name: 'wide', scopes: ['operate'] },
      { id: narrow.id, hash: narrow.hash, name: 'narrow', scopes: ['operate'], deployments },
      { id: reads.id, hash: reads.hash, name: 'reads', scopes: ['read'], deployments },
    ],
  });
  const done: string[] = [];
  const decided = (id: string) => waiting.find((each) => each.id === id) ?? assert.fail(id);
  const control: Partial<ControlService> = {
    signInMemory: openSqliteStore(':memory:'),
    approvalOf: (id) => waiting.find((each) => each.id === id)?.deployment,
    governor: async (isShown = () => true) => ({ approvals: waiting.filter((each) => isShown(each.deployment)) }),
    async approve(id, by) {
      done.push(`approve ${id} ${by}`);
      return decided(id);
    },
    async reject(id, { by }) {
      done.push(`reject ${id} ${by}`);
      return decided(id);
    },
  };
  const listen = { kind: 'port', host: '127.0.0.1', port: 0 } as const;
  await using api = await startApi({ control: control as ControlService, version: '0', auth, limits, listen });
  const ask = async (key: string, path: string, method = 'GET'): Promise<{ status: number; body: unknown }> => {
    const answer = await fetch(`http://127.0.0.1:${api.address.port}/api/v1/${path}`, {
      method,
      headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
      ...(method === 'GET' ? {} : { body: JSON.stringify({ by: 'somebody else' }) }),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const idsFor = async (key: string): Promise<unknown> =>
    ((await ask(key, 'governor')).body as { approvals: { id: string }[] }).approvals.map(({ id }) => id);

  assert.deepEqual(await idsFor(wide.secret), ['of-a', 'of-b']);
  assert.deepEqual(await idsFor(narrow.secret), ['of-a']);
  assert.deepEqual(await idsFor(reads.secret), ['of-a']);
  for (const what of ['approve', 'reject']) {
    assert.equal((await ask(narrow.secret, `approvals/of-a/${what}`, 'POST')).status, 200);
    for (const id of ['of-b', 'of-nobody'])
      assert.equal((await ask(narrow.secret, `approvals/${id}/${what}`, 'POST')).status, 403, id);
    assert.equal((await ask(reads.secret, `approvals/of-a/${what}`, 'POST')).status, 403);
  }
  assert.equal((await ask(wide.secret, 'approvals/of-b/approve', 'POST')).status, 200);
  assert.deepEqual(done, ['approve of-a narrow', 'reject of-a narrow', 'approve of-b wide']);
});
