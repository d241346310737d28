/**
 * Bytes of artefacts in PostgreSQL, a chunk a row, on a connection of their own: a model that is being kept holds up no
 * change for longer than a chunk takes, and no statement is longer than that.
 *
 *   chunk, chunk, … under the name of this upload ──▶ row in artefacts: from here on it is there ──▶ chunks that it replaces go
 *
 * Invariants: the row names an upload whose bytes were hashed on their way and have that digest; under a lease that is
 * lost nothing is written or removed.
 */
import { createHash, randomUUID } from 'node:crypto';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { Artefact } from '../../registry/artefacts.ts';
import type { SharedArtefacts } from '../../registry/shared-artefacts.ts';
import { inChunks } from './chunks.ts';
import { connectPostgres, engineOn, type PostgresOptions } from './postgres.ts';
import { change, first, list, one, put, run, type Row, type Step } from './statement.ts';

/** Small beside what a process holds anyway, large beside what a row costs. */
const chunkBytes = 1024 * 1024;
/** Rows of chunks removed in one statement: the server takes some milliseconds for each. */
const removedAtOnce = 64;

interface Kept extends Artefact {
  readonly upload: string;
}

const toKept = (row: Row): Kept => ({
  digest: String(row['digest']),
  bytes: Number(row['bytes']),
  upload: String(row['upload']),
});

const steps = {
  find: (digest: string) => one(toKept, 'SELECT digest, bytes, upload FROM artefacts WHERE digest = ?1', digest),
  list: () => list((row) => String(row['digest']), 'SELECT digest FROM artefacts ORDER BY digest'),
  chunk: (upload: string, part: number) =>
    one(
      (row) => Buffer.from(String(row['data']), 'base64'),
      // The client would be sent two letters a byte, and take twice as long.
      "SELECT encode(data, 'base64') AS data FROM artefact_chunks WHERE upload = ?1 AND part = ?2",
      upload,
      part,
    ),
  /** Twice is once: what became of the first try may be unknown. */
  keepChunk: (upload: string, part: number, data: Uint8Array) =>
    put(
      `INSERT INTO artefact_chunks (upload, part, data) VALUES (?1, ?2, ?3)
         ON CONFLICT (upload, part) DO UPDATE SET data = excluded.data`,
      upload,
      part,
      data,
    ),
  /** Gives the upload that was named before. */
  name: ({ digest, bytes, upload }: Kept) =>
    change(function* () {
      const before = yield* first('SELECT upload FROM artefacts WHERE digest = ?1', digest);
      yield* run(
        `INSERT INTO artefacts (digest, bytes, upload) VALUES (?1, ?2, ?3)
           ON CONFLICT (digest) DO UPDATE SET bytes = excluded.bytes, upload = excluded.upload`,
        digest,
        bytes,
        upload,
      );
      return before === undefined ? undefined : String(before['upload']);
    }),
  /** Gives the upload that was named. */
  unname: (digest: string) =>
    change(function* () {
      const row = yield* first('DELETE FROM artefacts WHERE digest = ?1 RETURNING upload', digest);
      return row === undefined ? undefined : String(row['upload']);
    }),
  /** How many it removed. */
  removeChunks: (upload: string) =>
    change(() =>
      run(
        `DELETE FROM artefact_chunks WHERE upload = ?1 AND part IN (
           SELECT part FROM artefact_chunks WHERE upload = ?1 ORDER BY part LIMIT ?2)`,
        upload,
        removedAtOnce,
      ),
    ),
  abandoned: () =>
    list(
      (row) => String(row['upload']),
      'SELECT DISTINCT upload FROM artefact_chunks WHERE upload NOT IN (SELECT upload FROM artefacts)',
    ),
};

/**
 * After openPostgresStore, which makes the tables. What a process that is gone left half-written is removed: nobody else
 * may write while the lease is ours.
 */
export async function openPostgresArtefacts(options: PostgresOptions): Promise<SharedArtefacts> {
  const engine = engineOn(await connectPostgres(options), options);
  let tail: Promise<unknown> = Promise.resolve();
  let isClosed = false;
  /** One after another: the time that a statement may take begins with its turn. */
  const step = <Result>(taken: Step<Result>): Promise<Result> => {
    const turn = tail.then(() => {
      // A transfer that is under way ends here.
      if (isClosed) throw new FlyballError('STORE_UNREACHABLE', `${options.address.shown}: it is being closed`);
      return engine.step(taken);
    });
    tail = turn.catch(() => undefined);
    return turn;
  };

  const removeUpload = async (upload: string): Promise<void> => {
    while ((await step(steps.removeChunks(upload))) > 0);
  };
  /** Nobody reads them any more; what stays of them is removed by the next control that opens the store. */
  const forget = (upload: string | undefined): Promise<void> =>
    upload === undefined ? Promise.resolve() : removeUpload(upload).catch(() => undefined);

  /** A connection that was lost is no reason to send a gigabyte again. */
  const keepChunk = async (upload: string, part: number, data: Uint8Array): Promise<void> => {
    try {
      await step(steps.keepChunk(upload, part, data));
    } catch (error) {
      if (!['STORE_UNREACHABLE', 'STORE_UNCERTAIN'].includes(toFlyballError(error).code)) throw error;
      await step(steps.keepChunk(upload, part, data));
    }
  };

  try {
    for (const upload of await step(steps.abandoned())) await removeUpload(upload);
  } catch (error) {
    await engine[Symbol.asyncDispose]();
    throw error;
  }

  return {
    async put(digest, stream, signal) {
      const upload = randomUUID();
      const hash = createHash('sha256');
      let bytes = 0;
      let part = 0;
      try {
        for await (const chunk of inChunks(stream, chunkBytes)) {
          signal?.throwIfAborted();
          hash.update(chunk);
          bytes += chunk.byteLength;
          await keepChunk(upload, part, chunk);
          part += 1;
        }
        const found = `sha256:${hash.digest('hex')}`;
        if (found !== digest)
          throw new FlyballError('DIGEST_MISMATCH', `the bytes were announced as ${digest}, but they are ${found}`);
        await forget(await step(steps.name({ digest, bytes, upload })));
      } catch (error) {
        // Not where it may be named by now.
        if (toFlyballError(error).code !== 'STORE_UNCERTAIN') await forget(upload);
        throw error;
      }
    },
    async find(digest) {
      const kept = await step(steps.find(digest));
      return kept === undefined ? undefined : { digest, bytes: kept.bytes };
    },
    async *read(digest) {
      const kept = await step(steps.find(digest));
      if (kept === undefined) throw notThere(digest);
      let got = 0;
      for (let part = 0; got < kept.bytes; part += 1) {
        const chunk = await step(steps.chunk(kept.upload, part));
        if (chunk === undefined) {
          if ((await step(steps.find(digest)))?.upload !== kept.upload) throw notThere(digest);
          throw new FlyballError('DIGEST_MISMATCH', `part ${part} is missing, after ${got} of ${kept.bytes} bytes`);
        }
        got += chunk.byteLength;
        yield chunk;
      }
    },
    remove: async (digest) => forget(await step(steps.unname(digest))),
    list: () => step(steps.list()),
    async [Symbol.asyncDispose]() {
      isClosed = true;
      await tail;
      await engine[Symbol.asyncDispose]();
    },
  };
}

const notThere = (digest: string): FlyballError =>
  new FlyballError('ARTEFACT_NOT_FOUND', `the store has no artefact ${digest}`);
