/**
 * Control that shares its store with others: it waits until it has the lease, and does nothing before. Where the store is
 * SQLite nobody else can be there, since the data directory's lock is held by one `up`.
 */
import type { Clock } from '../../clock.ts';
import type { PostgresSettings } from '../../config/store-specification.ts';
import { leaseTerms } from '../../core/leases/keeping.ts';
import { postgresPlace } from '../../drivers/stores/open.ts';
import { toFlyballError } from '../../errors.ts';
import { controlLease, type Leases } from '../../store/lease.ts';
import { keepLease, type HeldLease } from './keep.ts';

/** Between tries to reach a store that is away. */
const retryMs = 1000;

export interface StandingBy {
  /** Of this `up` alone, in words for people: who waits on another node reads it. */
  readonly holder: string;
  readonly clock: Clock;
  /** Why it waits; each time that changes. */
  readonly onWaiting: (why: string) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Waits as long as it takes. What no waiting mends is thrown: STORE_UNUSABLE, STORE_TOO_NEW, SECRET_UNUSABLE. */
export async function standBy(
  settings: PostgresSettings,
  { holder, clock, onWaiting, onTrouble }: StandingBy,
  signal: AbortSignal,
): Promise<HeldLease> {
  await using opened = new AsyncDisposableStack();
  const leases = opened.use(await openLeases(settings, clock, onWaiting, signal));
  const held = await keepLease(
    {
      leases,
      name: controlLease,
      holder,
      terms: leaseTerms(settings.leaseMs),
      clock,
      onWaiting: (by) => onWaiting(`${by.holder} holds the lease (token ${by.token})`),
      onTrouble,
    },
    signal,
  );
  const connection = opened.move();
  return {
    ...held,
    async [Symbol.asyncDispose]() {
      await held[Symbol.asyncDispose]();
      await connection.disposeAsync();
    },
  };
}

async function openLeases(
  settings: PostgresSettings,
  clock: Clock,
  onWaiting: (why: string) => void,
  signal: AbortSignal,
): Promise<Leases> {
  const { openPostgresLeases } = await import('../../drivers/stores/postgres-leases.ts');
  let told = false;
  for (;;) {
    signal.throwIfAborted();
    try {
      return await openPostgresLeases(postgresPlace(settings, clock));
    } catch (error) {
      const { retry, message } = toFlyballError(error);
      if (!retry) throw error;
      if (!told) onWaiting(message);
      told = true;
    }
    await new Promise<void>((done) => clock.after(retryMs, done));
  }
}
