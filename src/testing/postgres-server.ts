/**
 * A real PostgreSQL of a test's own: a cluster in a temporary folder, on a free port of loopback unless an address of the
 * machine is named, that asks for a password.
 * As root it runs as another user, since PostgreSQL refuses root. It need not outlive the machine, so nothing is synced.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import {
  appendFileSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import pg from 'pg';

const debian = '/usr/lib/postgresql';
const startMsMax = 60_000;

export interface PostgresServer extends AsyncDisposable {
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** Without the password. */
  readonly url: string;
  /** As the server's own administrator. */
  sql(text: string): Promise<readonly Record<string, unknown>[]>;
  /** At once and without a word to anybody, as when its machine loses power. */
  crash(): Promise<void>;
  start(): Promise<void>;
}

const folderOf = (): string | undefined => {
  try {
    const [newest] = readdirSync(debian).toSorted((left, right) => Number(right) - Number(left));
    return newest === undefined ? undefined : join(debian, newest, 'bin');
  } catch {
    return undefined;
  }
};

/** Why there can be no server, for tests that are skipped without; with CI there has to be one. */
export function withoutPostgres(): string | false {
  if (folderOf() !== undefined) return false;
  if (process.env['CI'] === 'true') throw new Error('CI needs PostgreSQL (apt: postgresql)');
  return 'no PostgreSQL: apt-get install postgresql';
}

export interface ServerTls {
  readonly certificate: string;
  readonly key: string;
}

export async function startPostgres(tls?: ServerTls, address = '127.0.0.1'): Promise<PostgresServer> {
  const programs = folderOf();
  if (programs === undefined) throw new Error('no PostgreSQL: apt-get install postgresql');
  const folder = mkdtempSync(join(tmpdir(), 'flyball-postgres-'));
  const data = join(folder, 'data');
  const owner = process.getuid?.() === 0 ? otherUser() : undefined;
  const as = owner === undefined ? {} : { uid: owner.uid, gid: owner.gid };
  const own = (path: string): void => {
    if (owner !== undefined) chownSync(path, owner.uid, owner.gid);
  };
  const write = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text, { mode: 0o600 });
    own(path);
    return path;
  };
  const password = 'pass word@/:%42';
  mkdirSync(data);
  own(folder);
  own(data);
  // A language whose order of letters is not that of bytes.
  const locale = ['--encoding=UTF8', '--locale=C.UTF-8', '--locale-provider=icu', '--icu-locale=en-US'];
  execFileSync(
    join(programs, 'initdb'),
    [
      '-D',
      data,
      '-U',
      'flyball',
      '-A',
      'scram-sha-256',
      `--pwfile=${write('password', password)}`,
      '--no-sync',
      ...locale,
    ],
    { ...as, cwd: folder, stdio: 'pipe' },
  );
  // By itself it lets in who comes by loopback.
  appendFileSync(join(data, 'pg_hba.conf'), 'host all all all scram-sha-256\n');
  const port = await freePort(address);
  const settings = {
    listen_addresses: address,
    port: String(port),
    unix_socket_directories: '',
    fsync: 'off',
    full_page_writes: 'off',
    shared_buffers: '16MB',
    ...(tls !== undefined && {
      ssl: 'on',
      ssl_cert_file: write('server.pem', tls.certificate),
      ssl_key_file: write('server.key', tls.key),
    }),
  };
  const admin = { host: address, port, user: 'flyball', database: 'postgres', password };
  let child: ChildProcess | undefined;

  async function sql(text: string): Promise<readonly Record<string, unknown>[]> {
    const client = new pg.Client(admin);
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query(text)).rows as Record<string, unknown>[];
    } finally {
      await client.end();
    }
  }

  async function start(): Promise<void> {
    const log = { text: '' };
    const started = spawn(
      join(programs ?? '', 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      { ...as, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
    );
    started.stderr.on('data', (chunk: Buffer) => (log.text = (log.text + chunk.toString()).slice(-4000)));
    child = started;
    for (const until = Date.now() + startMsMax; ; await pause(50)) {
      try {
        await sql('SELECT 1');
        return;
      } catch (error) {
        if (started.exitCode !== null || Date.now() > until)
          throw new Error(`PostgreSQL did not start: ${log.text}`, { cause: error });
      }
    }
  }

  async function crash(): Promise<void> {
    const ended = child;
    child = undefined;
    if (ended === undefined || ended.exitCode !== null) return;
    await new Promise((done) => {
      ended.once('exit', done);
      ended.kill('SIGQUIT');
    });
  }

  await start();
  await sql('CREATE DATABASE flyball');
  return {
    port,
    user: 'flyball',
    password,
    database: 'flyball',
    url: `postgres://flyball@${address}:${port}/flyball`,
    sql,
    crash,
    start,
    async [Symbol.asyncDispose]() {
      await crash();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function otherUser(): { readonly uid: number; readonly gid: number } {
  const users = readFileSync('/etc/passwd', 'utf8').split('\n');
  const line = users.find((user) => user.startsWith('postgres:')) ?? users.find((user) => user.startsWith('nobody:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  return { uid: Number(uid), gid: Number(gid) };
}

async function freePort(address: string): Promise<number> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(0, address, done));
  const { port } = server.address() as AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}
