/**
 * One connection to PostgreSQL, from its making to its loss: it is never mended, another is made (postgres-connection.ts).
 * Every wait has an end: the server's for statements, locks and transactions that stand still, ours for a server that no
 * longer answers. A process that is stopped in the middle of a change so holds it for `idleMs` at most.
 */
import { readFileSync } from 'node:fs';
import { Socket } from 'node:net';
import type { Client } from 'pg';
import { FlyballError } from '../../errors.ts';
import type { PostgresAddress } from '../../store/postgres-address.ts';
import { endsConnection, toStoreError } from './postgres-failure.ts';
import type { Answer, Statement } from './statement.ts';

export interface PostgresTimeouts {
  /** To connect and to be let in. */
  readonly connectMs: number;
  /** For one statement, and for a change to wait for another. */
  readonly statementMs: number;
  /** For a change to stand still between two statements. */
  readonly idleMs: number;
}

export interface SessionOptions {
  readonly address: PostgresAddress;
  /** Lower-case letters, digits and _. */
  readonly schema: string;
  /** Asked at each connection, so that one that is changed holds from the next on; undefined where there is none. */
  readonly password: () => Promise<string | undefined>;
  readonly timeouts: PostgresTimeouts;
}

export interface Session extends AsyncDisposable {
  readonly isLost: boolean;
  query(statement: Statement): Promise<Answer>;
  /** Several statements without parameters, in one way to the server and back: an answer for each. */
  batch(text: string): Promise<readonly Answer[]>;
  /** Ends it without a word to the server, which takes back what was under way. */
  cut(): void;
}

/** Past what the server gives a statement, it is the server that has gone. */
const answerMarginMs = 2000;
const serverVersionMin = 14;
/** For a goodbye. */
const closeMs = 1000;

/** Texts are prepared once a connection, by a name that is the same in all. */
const names = new Map<string, string>();
function nameOf(text: string): string {
  const known = names.get(text);
  if (known !== undefined) return known;
  const name = `flyball_${names.size}`;
  names.set(text, name);
  return name;
}

/** STORE_UNREACHABLE, STORE_UNUSABLE, SECRET_UNUSABLE. */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { address, schema, password, timeouts } = options;
  // A laptop has no PostgreSQL and never loads this.
  const { default: pg } = await import('pg');
  const socket = new Socket();
  const client: Client = new pg.Client({
    host: address.host,
    port: address.port,
    user: address.user,
    database: address.database,
    // None at all would have the client look for one in files of the user's.
    password: (async () => (await password()) as string) as () => Promise<string>,
    ssl: tlsOf(address),
    stream: () => socket,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: timeouts.connectMs,
    application_name: 'flyball',
    statement_timeout: timeouts.statementMs,
    lock_timeout: timeouts.statementMs,
    idle_in_transaction_session_timeout: timeouts.idleMs,
    options: `-c search_path=${schema}`,
  });
  let isLost = false;
  client.on('error', () => (isLost = true));
  client.on('end', () => (isLost = true));

  const cut = (): void => {
    isLost = true;
    socket.destroy();
  };

  async function within<Result>(work: Promise<Result>): Promise<Result> {
    const timer = setTimeout(cut, timeouts.statementMs + answerMarginMs);
    try {
      return await work;
    } catch (error) {
      if (endsConnection(error)) cut();
      throw toStoreError(error, address);
    } finally {
      clearTimeout(timer);
    }
  }

  const session: Session = {
    get isLost() {
      return isLost;
    },
    async query({ text, values }) {
      const numbered = text.replaceAll(/\?(\d+)/g, '$$$1');
      const { rows, rowCount } = await within(
        client.query({ name: nameOf(numbered), text: numbered, values: [...values] }),
      );
      return { rows: rows as Answer['rows'], changes: rowCount ?? 0 };
    },
    async batch(text) {
      const answers: unknown = await within(client.query(text));
      const all = (Array.isArray(answers) ? answers : [answers]) as readonly {
        readonly rows: Answer['rows'];
        readonly rowCount: number | null;
      }[];
      return all.map(({ rows, rowCount }) => ({ rows, changes: rowCount ?? 0 }));
    },
    cut,
    async [Symbol.asyncDispose]() {
      if (isLost) return cut();
      const timer = setTimeout(cut, closeMs);
      await client.end().catch(() => undefined);
      clearTimeout(timer);
      cut();
    },
  };
  try {
    await within(client.connect());
    await prepare(session, address);
  } catch (error) {
    cut();
    throw error;
  }
  return session;
}

/** What is expected of any server, each time: the one that answers may be another than last time. */
async function prepare(session: Session, { shown }: PostgresAddress): Promise<void> {
  const [answer] = await session.batch(
    `SELECT current_setting('server_version_num') AS number, current_setting('server_version') AS version,
       pg_is_in_recovery() AS standby, current_setting('server_encoding') AS encoding,
       CASE current_setting('synchronous_commit') WHEN 'off' THEN set_config('synchronous_commit', 'on', false) END`,
  );
  const seen = answer?.rows[0] ?? {};
  const version = Math.floor(Number(seen['number']) / 10_000);
  if (version < serverVersionMin)
    throw new FlyballError(
      'STORE_UNUSABLE',
      `${shown}: expected PostgreSQL ${serverVersionMin} or newer, got ${String(seen['version'])}`,
    );
  if (seen['encoding'] !== 'UTF8')
    throw new FlyballError('STORE_UNUSABLE', `${shown}: expected a database in UTF8, got ${String(seen['encoding'])}`);
  if (seen['standby'] === true)
    throw new FlyballError(
      'STORE_UNREACHABLE',
      `${shown}: expected a server that writes, got a standby that only reads`,
    );
}

function tlsOf(address: PostgresAddress): object | false {
  const { tls, rootCertificate, certificate, key } = address;
  if (tls === 'disable') return false;
  return {
    ...(rootCertificate !== undefined && { ca: readPem(rootCertificate, address) }),
    ...(certificate !== undefined && { cert: readPem(certificate, address) }),
    ...(key !== undefined && { key: readPem(key, address) }),
    // As libpq has it: with require nobody looks at the certificate, with verify-ca nobody at the name in it.
    rejectUnauthorized: tls !== 'require',
    ...(tls === 'verify-ca' && { checkServerIdentity: () => undefined }),
  };
}

function readPem(path: string, { shown }: PostgresAddress): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw new FlyballError('STORE_UNUSABLE', `${shown}: ${path} cannot be read (${code})`, { cause: error });
  }
}
