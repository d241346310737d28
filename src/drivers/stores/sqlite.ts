/**
 * The store on SQLite (node:sqlite): one connection, write-ahead log, every commit synced to the disk.
 * One step or transaction at a time: node:sqlite is synchronous, so an awaiting transaction must keep others out.
 * Invariant: when a call has returned, a power cut does not take it back.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import type { Store, StoreAccess } from '../../store/store.ts';
import { migrate } from './migrations.ts';
import { toStoreError } from './sqlite-failure.ts';
import { sqliteSteps, type StoreSteps } from './sqlite-steps.ts';

/** How long a statement waits for another process's lock (a control that is just going, a backup). */
const busyTimeoutMs = 5000;

type Runner = <Result>(step: () => Result) => Promise<Result>;

/** `path` is a file or `:memory:`. Throws DATA_DIR_UNUSABLE or STORE_TOO_NEW, with the path and what to do. */
export function openSqliteStore(path: string): Store {
  const database = openDatabase(path);
  const steps = sqliteSteps(database);
  const inside = new AsyncLocalStorage<{ over: boolean }>();
  let tail: Promise<unknown> = Promise.resolve();
  let closed = false;

  /** Runs `work` when everything before it has ended. The queue's length is the caller's number of open calls. */
  const inTurn = <Result>(work: () => Result | Promise<Result>): Promise<Result> => {
    if (inside.getStore()?.over === false) {
      return Promise.reject(
        new FlyballError('INTERNAL', 'the store was called inside its own transaction; use the access handed in'),
      );
    }
    const turn = tail.then(async () => {
      if (closed) throw new FlyballError('INTERNAL', `the store ${path} was used after it was closed`);
      return work();
    });
    tail = turn.catch(() => undefined);
    return turn;
  };

  const translated = <Result>(step: () => Result): Result => {
    try {
      return step();
    } catch (error) {
      throw toStoreError(error, path);
    }
  };

  /**
   * A file that was removed or replaced under us goes on taking writes, and all of them are lost with this process: the
   * system tells nobody. Whoever asks for a change has to hear it.
   */
  const opened = path === ':memory:' ? undefined : identityOf(path);
  const requireFile = (): void => {
    if (opened === undefined || identityOf(path) === opened) return;
    const help = 'it was moved, removed or replaced while in use, so that nothing can be kept; put it back';
    throw new FlyballError('DATA_DIR_UNUSABLE', `${path}: ${help}, then start again`);
  };

  const transaction = <Result>(change: (access: StoreAccess) => Promise<Result>): Promise<Result> =>
    inTurn(async () => {
      const scope = { over: false };
      const access = toAccess(steps, async (step) => {
        if (scope.over) throw new FlyballError('INTERNAL', 'a transaction was used after its end');
        return translated(step);
      });
      requireFile();
      translated(() => database.exec('BEGIN IMMEDIATE'));
      try {
        const result = await inside.run(scope, () => change(access));
        translated(() => database.exec('COMMIT'));
        return result;
      } catch (error) {
        if (database.isTransaction) database.exec('ROLLBACK');
        throw error;
      } finally {
        scope.over = true;
      }
    });

  return {
    ...toAccess(steps, (step) => inTurn(() => translated(step))),
    transaction,
    async [Symbol.asyncDispose]() {
      await tail;
      if (closed) return;
      closed = true;
      database.close();
    },
  };
}

function openDatabase(path: string): DatabaseSync {
  let database: DatabaseSync | undefined;
  try {
    database = new DatabaseSync(path, { enableForeignKeyConstraints: true, timeout: busyTimeoutMs });
    // Before anything is written: a damaged file is told from a whole one by reading it.
    const check = database.prepare('PRAGMA quick_check(1)').get()?.['quick_check'];
    if (check !== 'ok') {
      throw new FlyballError('DATA_DIR_UNUSABLE', `${path} is damaged; restore a backup (${String(check)})`);
    }
    migrate(database, path);
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL');
    return database;
  } catch (error) {
    database?.close();
    throw toStoreError(error, path);
  }
}

/** Which file it is, whatever it is called; undefined when there is none. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? undefined : `${found.dev}:${found.ino}`;
}

/** Each step as a promise, run by `run`. */
function toAccess(steps: StoreSteps, run: Runner): StoreAccess {
  const entries = Object.entries(steps).map(([name, step]) => {
    const call = step as (...given: readonly unknown[]) => unknown;
    return [name, (...given: readonly unknown[]) => run(() => call(...given))];
  });
  return Object.fromEntries(entries) as StoreAccess;
}
