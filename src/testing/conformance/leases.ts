/** What leases must do in every store, and what a store does by them, run by each driver's test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import type { Fence, Leases } from '../../store/lease.ts';
import type { Store } from '../../store/store.ts';
import { versionOf } from './store-records.ts';

export interface LeasesUnderTest extends AsyncDisposable {
  open(): Promise<Leases>;
  /** The store beside them. */
  store(fence?: Fence): Promise<Store>;
}

const long = 60_000;

export function leaseConformance(
  name: string,
  make: () => Promise<LeasesUnderTest>,
  { skip = false }: { readonly skip?: string | false } = {},
): void {
  const check = (title: string, body: (place: LeasesUnderTest, leases: Leases) => Promise<void>): void => {
    void test(`${name}: ${title}`, { skip }, async () => {
      await using place = await make();
      await using leases = await place.open();
      await body(place, leases);
    });
  };

  check('one has it, and the others hear who', async (_, leases) => {
    assert.equal(await leases.view('control'), undefined);
    assert.deepEqual(await leases.acquire('control', 'ada', long), { kind: 'held', token: 1 });
    const refused = await leases.acquire('control', 'bob', long);
    assert.ok(refused.kind === 'refused' && refused.by.holder === 'ada' && refused.by.token === 1);
    assert.ok(refused.by.leftMs > 0 && refused.by.leftMs <= long, String(refused.by.leftMs));
    assert.deepEqual(await leases.acquire('another', 'bob', long), { kind: 'held', token: 1 });
  });

  check('the token grows each time it is taken, also by the same', async (place, leases) => {
    await leases.acquire('control', 'ada', long);
    assert.deepEqual(await leases.acquire('control', 'ada', long), { kind: 'held', token: 2 });
    await leases.release({ name: 'control', token: 1 });
    assert.equal((await leases.acquire('control', 'bob', long)).kind, 'refused', 'an old token gives nothing up');
    await leases.release({ name: 'control', token: 2 });
    await using later = await place.open();
    assert.deepEqual(await later.acquire('control', 'bob', long), { kind: 'held', token: 3 });
  });

  check('whoever lets it run out loses it to the next, and can renew it no more', async (_, leases) => {
    await leases.acquire('control', 'ada', 50);
    await pause(100);
    // Late, but nobody was there: it is still the newest.
    assert.equal(await leases.renew({ name: 'control', token: 1 }, 50), true);
    await pause(100);
    assert.deepEqual(await leases.acquire('control', 'bob', long), { kind: 'held', token: 2 });
    assert.equal(await leases.renew({ name: 'control', token: 1 }, long), false);
    assert.equal((await leases.view('control'))?.holder, 'bob');
  });

  check('of many that ask at once, one gets it', async (place) => {
    const asking = await Promise.all(Array.from({ length: 4 }, () => place.open()));
    const answers = await Promise.all(asking.map((leases, index) => leases.acquire('control', `node ${index}`, long)));
    assert.deepEqual(
      answers.filter(({ kind }) => kind === 'held'),
      [{ kind: 'held', token: 1 }],
    );
    await Promise.all(asking.map((leases) => leases[Symbol.asyncDispose]()));
  });

  check('nothing is changed under a token that is not the newest', async (place, leases) => {
    await leases.acquire('control', 'ada', long);
    await using old = await place.store({ name: 'control', token: 1 });
    await old.addVersion(versionOf('digits', 1));
    await leases.acquire('control', 'ada', long);
    await using now = await place.store({ name: 'control', token: 2 });
    const lost = { name: 'FlyballError', code: 'LEASE_LOST', message: /token 1, and the newest is 2/ };
    await assert.rejects(old.addVersion(versionOf('digits', 2)), lost);
    await assert.rejects(
      old.transaction((access) => access.nextRevision()),
      lost,
    );
    assert.deepEqual([await old.models(), await old.revision()], [['digits'], 0], 'it may still look');
    await now.addVersion(versionOf('digits', 2));
    await assert.rejects((await place.store({ name: 'nobody', token: 1 })).nextRevision(), { code: 'LEASE_LOST' });
  });
}
