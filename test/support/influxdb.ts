/** A real InfluxDB 1.x, as Debian packages it, with users, on free ports and in a folder that is gone afterwards. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './alerting.ts';
import { until } from './platform.ts';

/** What is missing for it to run, in words; undefined where nothing is. */
export function missingInfluxdb(): string | undefined {
  return spawnSync('influxd', ['version']).error === undefined ? undefined : 'no influxd: apt-get install influxdb';
}

/** As InfluxQL answers: a table a series. */
export interface Series {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly (string | number | boolean | null)[])[];
}

export interface Influxdb extends AsyncDisposable {
  readonly url: string;
  readonly database: string;
  readonly username: string;
  readonly password: string;
  /** InfluxQL; times come in nanoseconds as numbers. */
  query(text: string): Promise<readonly Series[]>;
  /** Ends it as a power cut would; what it had taken is on its disk. */
  kill(): Promise<void>;
  /** Starts it again where it was. */
  start(): Promise<void>;
  /** It hangs with its connections open, and goes on. */
  freeze(): void;
  thaw(): void;
}

const username = 'flyball';
const password = 'p4ss "word" é';
const database = 'flyball db';

export async function startInfluxdb(): Promise<Influxdb> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-influxdb-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const configuration = join(folder, 'influxdb.conf');
  writeFileSync(
    configuration,
    `reporting-disabled = true
bind-address = "127.0.0.1:${await freePort()}"
[meta]
dir = "${folder}/meta"
[data]
dir = "${folder}/data"
wal-dir = "${folder}/wal"
[http]
bind-address = "127.0.0.1:${port}"
auth-enabled = true
log-enabled = false
[monitor]
store-enabled = false
`,
  );
  let child: ChildProcess | undefined;
  let output = '';

  const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  async function query(text: string): Promise<readonly Series[]> {
    const search = new URLSearchParams({ q: text, db: database, epoch: 'ns' });
    const answer = await fetch(`${url}/query?${search.toString()}`, { method: 'POST', headers: { authorization } });
    const { results = [], error } = (await answer.json()) as {
      results?: readonly { readonly error?: string; readonly series?: readonly Series[] }[];
      error?: string;
    };
    const failed = error ?? results.find((result) => result.error !== undefined)?.error;
    if (failed !== undefined) throw new Error(`${text}: ${failed}`);
    return results.flatMap(({ series = [] }) => series);
  }

  async function start(): Promise<void> {
    const started = spawn('influxd', ['-config', configuration], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
    child = started;
    const note = (chunk: Buffer): void => void (output = (output + chunk.toString()).slice(-5000));
    started.stdout.on('data', note);
    started.stderr.on('data', note);
    await until('InfluxDB to answer', async () => {
      if (started.exitCode !== null) throw new Error(`influxd ended with ${started.exitCode}: ${output}`);
      return (await fetch(`${url}/ping`)).ok ? true : undefined;
    });
  }

  async function kill(): Promise<void> {
    const ending = child;
    child = undefined;
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return;
    const gone = new Promise((resolve) => void ending.once('close', resolve));
    ending.kill('SIGKILL');
    await gone;
  }

  const dispose = async (): Promise<void> => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await start();
    await query(`CREATE USER "${username}" WITH PASSWORD '${password}' WITH ALL PRIVILEGES`);
    await query(`CREATE DATABASE "${database}"`);
  } catch (error) {
    await dispose();
    throw error;
  }
  return {
    url,
    database,
    username,
    password,
    query,
    kill,
    start,
    freeze: () => void child?.kill('SIGSTOP'),
    thaw: () => void child?.kill('SIGCONT'),
    [Symbol.asyncDispose]: dispose,
  };
}
