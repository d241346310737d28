/**
 * The store on PostgreSQL: one connection, each change in a transaction under the store's lock, so that changes of several
 * processes happen one after another as those of one do. Under that lock READ COMMITTED is serial: whoever gets it sees
 * everything that was committed before, and nothing else changes until it commits.
 * Invariants: when a call has returned, the server has it on its disk; a call that fails says whether it may have happened
 * (STORE_UNCERTAIN) or has not; where a fence is given, nothing is changed under a token that is not the newest.
 */
import type { Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import type { PostgresAddress } from '../../store/postgres-address.ts';
import type { Fence } from '../../store/lease.ts';
import type { Store } from '../../store/store.ts';
import { requireNewest } from './lease-steps.ts';
import { openConnection, type Connection } from './postgres-connection.ts';
import { postgresDialect } from './postgres-dialect.ts';
import { drive } from './postgres-drive.ts';
import { inspectSchema, lockText, migratePostgres } from './postgres-migrations.ts';
import type { PostgresTimeouts, Session, SessionOptions } from './postgres-session.ts';
import { openSerialStore, type Engine, type StepRunner } from './serial-store.ts';
import type { Answer, Step } from './statement.ts';
import { storeSteps } from './steps.ts';

export interface PostgresOptions extends Pick<SessionOptions, 'address' | 'schema' | 'password'> {
  readonly clock: Clock;
  readonly timeouts?: Partial<PostgresTimeouts>;
  /** How long a call waits for a server that has just gone; 5 s by default. */
  readonly patienceMs?: number;
  /** Under which lease this process changes anything; without one, it may at any time. */
  readonly fence?: Fence;
}

const timeoutDefaults: PostgresTimeouts = { connectMs: 5000, statementMs: 10_000, idleMs: 10_000 };
const patienceDefaultMs = 5000;
/** For the server to say what became of a change whose connection was lost. */
const outcomeMs = 5000;
const outcomePauseMs = 50;

export const connectPostgres = (options: PostgresOptions): Promise<Connection> =>
  openConnection({
    ...options,
    timeouts: { ...timeoutDefaults, ...options.timeouts },
    patienceMs: options.patienceMs ?? patienceDefaultMs,
  });

/** Makes and mends the schema. STORE_UNREACHABLE, STORE_UNUSABLE, STORE_TOO_NEW, SECRET_UNUSABLE. */
export async function openPostgresStore(options: PostgresOptions): Promise<Store> {
  const { address, schema } = options;
  const connection = await connectPostgres(options);
  try {
    await migratePostgres(await connection.session(), address, schema);
  } catch (error) {
    await connection[Symbol.asyncDispose]();
    throw error;
  }
  return openSerialStore(address.shown, storeSteps(postgresDialect), engineOn(connection, options));
}

/** Whether it can be used, changing nothing. Throws what says why not. */
export async function checkPostgres(options: PostgresOptions): Promise<void> {
  await using connection = await connectPostgres(options);
  await inspectSchema(await connection.session(), options.address, options.schema);
}

/** For one who asks one thing at a time. */
export function engineOn(connection: Connection, { address, schema, clock, fence }: PostgresOptions): Engine {
  /** What changes nothing is asked again where the connection was lost on the way. */
  async function again<Result>(ask: (session: Session) => Promise<Result>): Promise<Result> {
    const session = await connection.session();
    try {
      return await ask(session);
    } catch (error) {
      if (!session.isLost) throw error;
    }
    return ask(await connection.session());
  }

  const begin = (): Promise<{ readonly session: Session; readonly id: string }> =>
    again(async (session) => {
      const token = fence === undefined ? '' : `; SELECT token FROM leases WHERE name = '${fence.name}'`;
      const answers = await session.batch(
        `BEGIN; ${lockText(schema)}; SELECT CAST(pg_current_xact_id() AS text) AS id${token}`,
      );
      const valueOf = (index: number, name: string): unknown => answers[index]?.rows[0]?.[name];
      const id = String(valueOf(2, 'id'));
      try {
        if (fence !== undefined) requireNewest(fence, valueOf(3, 'token'));
      } catch (error) {
        await session.batch('ROLLBACK');
        throw error;
      }
      return { session, id };
    });

  async function transaction<Result>(body: (run: StepRunner) => Promise<Result>): Promise<Result> {
    const { session, id } = await begin();
    let failure: unknown;
    let tail: Promise<unknown> = Promise.resolve();
    /** One step after another, also where they are not waited for; after a failure the server takes no more. */
    const run: StepRunner = (step) => {
      const turn = tail.then(async () => {
        if (failure !== undefined) throw failure;
        return drive(step.work(), async (statement) => {
          try {
            return await session.query(statement);
          } catch (error) {
            failure ??= error;
            throw error;
          }
        });
      });
      tail = turn.catch(() => undefined);
      return turn;
    };
    let result: Result;
    try {
      result = await body(run);
      await tail;
      // Swallowed by the body: what came before it is taken back all the same.
      if (failure !== undefined) throw failure;
    } catch (error) {
      if (!session.isLost) await session.batch('ROLLBACK').catch(() => session.cut());
      throw error;
    }
    await commit(session, id);
    return result;
  }

  async function commit(session: Session, id: string): Promise<void> {
    if (session.isLost) throw notKept(address, 'the connection was lost before the change was kept');
    try {
      await session.batch('COMMIT');
    } catch (error) {
      if (!session.isLost) throw error;
      await settle(id, error);
    }
  }

  /** The connection was lost with the word to keep the change on its way: the server knows what became of it. */
  async function settle(id: string, cause: unknown): Promise<void> {
    const until = clock.now() + outcomeMs;
    const text = 'SELECT pg_xact_status(CAST(?1 AS xid8)) AS status';
    let status: unknown;
    do {
      // Long enough for the server to notice that the connection is gone.
      if (status !== undefined) await new Promise<void>((done) => clock.after(outcomePauseMs, done));
      try {
        status = (await (await connection.session()).query({ text, values: [id] })).rows[0]?.['status'] ?? null;
      } catch {
        status = null;
      }
    } while (status === 'in progress' && clock.now() < until);
    if (status === 'committed') return;
    if (status === 'aborted') throw notKept(address, 'the connection was lost before the change was kept', cause);
    throw new FlyballError(
      'STORE_UNCERTAIN',
      `${address.shown}: the connection was lost while a change was being kept, and the server does not say what became of it`,
      { cause },
    );
  }

  return {
    step: <Result>({ kind, work }: Step<Result>) =>
      kind === 'read'
        ? again((session) => drive(work(), (statement): Promise<Answer> => session.query(statement)))
        : transaction((run) => run({ kind, work })),
    transaction,
    [Symbol.asyncDispose]: () => connection[Symbol.asyncDispose](),
  };
}

const notKept = ({ shown }: PostgresAddress, why: string, cause?: unknown): FlyballError =>
  new FlyballError('STORE_UNREACHABLE', `${shown}: ${why}; nothing has happened`, { cause });
