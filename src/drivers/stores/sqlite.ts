/**
 * The store on SQLite (node:sqlite): one connection, write-ahead log, every commit synced to the disk.
 * One step or transaction at a time: node:sqlite is synchronous, so an awaiting transaction must keep others out.
 * Invariant: when a call has returned, a power cut does not take it back.
 */
import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { FlyballError } from '../../errors.ts';
import type { Fence } from '../../store/lease.ts';
import type { Store } from '../../store/store.ts';
import { requireNewest, tokenText } from './lease-steps.ts';
import { openSerialStore, type StepRunner } from './serial-store.ts';
import { sqliteDialect } from './sqlite-dialect.ts';
import { sqliteDrive } from './sqlite-drive.ts';
import { toStoreError } from './sqlite-failure.ts';
import { migrate } from './sqlite-migrations.ts';
import { first, type Step } from './statement.ts';
import { storeSteps } from './steps.ts';

/** How long a statement waits for another process's lock (a control that is just going, a backup). */
const busyTimeoutMs = 5000;

/**
 * `path` is a file or `:memory:`. `fence`: under which lease of sqlite-leases.ts anything is changed. Throws
 * DATA_DIR_UNUSABLE or STORE_TOO_NEW, with the path and what to do.
 */
export function openSqliteStore(path: string, fence?: Fence): Store {
  const database = openDatabase(path);
  const drive = sqliteDrive(database, (error) => toStoreError(error, path));
  const execute = (text: string): void => {
    try {
      database.exec(text);
    } catch (error) {
      throw toStoreError(error, path);
    }
  };

  /** In a savepoint where it changes something: a step that fails has changed nothing. */
  function take<Result>({ kind, work }: Step<Result>): Result {
    if (kind === 'read') return drive(work());
    execute('SAVEPOINT step');
    try {
      const result = drive(work());
      execute('RELEASE step');
      return result;
    } catch (error) {
      // A full disk may have ended the whole transaction already.
      if (database.isTransaction) database.exec('ROLLBACK TO step; RELEASE step');
      throw error;
    }
  }
  const inside: StepRunner = async (taken) => take(taken);

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

  async function transaction<Result>(body: (run: StepRunner) => Promise<Result>): Promise<Result> {
    requireFile();
    execute('BEGIN IMMEDIATE');
    try {
      if (fence !== undefined) requireNewest(fence, drive(first(tokenText, fence.name))?.['token']);
      const result = await body(inside);
      execute('COMMIT');
      return result;
    } catch (error) {
      if (database.isTransaction) database.exec('ROLLBACK');
      throw error;
    }
  }

  return openSerialStore(path, storeSteps(sqliteDialect), {
    step: (taken) => (fence === undefined || taken.kind === 'read' ? inside(taken) : transaction((run) => run(taken))),
    transaction,
    async [Symbol.asyncDispose]() {
      database.close();
    },
  });
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
