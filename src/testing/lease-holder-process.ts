/**
 * A process that holds a lease and changes the store under it as fast as it can, and that asks no clock: what stops it is
 * the fence alone. Its settings come as JSON; it says `holding`, then the code of what ended it and how many changes were kept.
 */
import { systemClock } from '../clock.ts';
import { openPostgresLeases } from '../drivers/stores/postgres-leases.ts';
import { openPostgresStore } from '../drivers/stores/postgres.ts';
import { toFlyballError } from '../errors.ts';
import { addressOf } from './postgres-place.ts';

const { url, schema, password, ttlMs } = JSON.parse(process.argv[2] ?? '{}') as Record<string, string>;
const place = {
  address: addressOf(url ?? ''),
  schema: schema ?? '',
  password: async () => password,
  clock: systemClock,
  // A change in the middle of which it is stopped is taken back soon, so that the test need not wait.
  timeouts: { idleMs: 500 },
};
await using leases = await openPostgresLeases(place);
const taken = await leases.acquire('control', `process ${process.pid}`, Number(ttlMs));
if (taken.kind === 'refused') throw new Error('somebody has it');
await using store = await openPostgresStore({ ...place, fence: { name: 'control', token: taken.token } });
process.send?.({ kind: 'holding' });
let kept = 0;
for (;;) {
  try {
    await store.transaction((access) => access.nextRevision());
    kept += 1;
  } catch (error) {
    const { code } = toFlyballError(error);
    // Taken out of a change that stood still: it has not happened, and the next says why.
    if (code === 'STORE_UNREACHABLE') continue;
    process.send?.({ kind: 'ended', code, kept });
    break;
  }
}
process.disconnect();
