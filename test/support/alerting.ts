/**
 * A real Prometheus that scrapes a platform and a real Alertmanager that it tells, as Debian packages them, on free
 * ports and in folders that are gone afterwards.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { until } from './platform.ts';

const commands = ['prometheus', 'prometheus-alertmanager'] as const;

/** What is missing for them to run, in words; undefined where nothing is. */
export function missingEngines(): string | undefined {
  const missing = commands.filter((command) => spawnSync(command, ['--version']).error !== undefined);
  if (missing.length === 0) return undefined;
  return `no ${missing.join(', no ')}: apt-get install prometheus prometheus-alertmanager`;
}

export interface Engine extends AsyncDisposable {
  readonly url: string;
  readonly output: () => string;
}

export interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly keep_firing_for?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** Scrapes and evaluates every second. */
export async function startPrometheus(options: {
  /** Where metrics are. */
  readonly scraped: string;
  readonly alertmanager?: string;
  readonly rules?: readonly Rule[];
  /** A rule file as it is. */
  readonly ruleFile?: string;
}): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-prometheus-'));
  const target = (url: string) => [{ targets: [new URL(url).host] }];
  const configuration = {
    global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
    rule_files: [join(folder, 'rules.yml')],
    ...(options.alertmanager !== undefined && {
      alerting: { alertmanagers: [{ static_configs: target(options.alertmanager) }] },
    }),
    scrape_configs: [{ job_name: 'flyball', static_configs: target(options.scraped) }],
  };
  const rules = options.ruleFile ?? stringify({ groups: [{ name: 'flyball', rules: options.rules ?? [] }] });
  writeFileSync(join(folder, 'rules.yml'), rules);
  writeFileSync(join(folder, 'prometheus.yml'), stringify(configuration));
  return start('prometheus', folder, [
    `--config.file=${join(folder, 'prometheus.yml')}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    '--enable-feature=exemplar-storage',
    // How long it waits before it tells of a firing alert again.
    '--rules.alert.resend-delay=5s',
  ]);
}

/** `configuration`: as alertmanager.yml has it. */
export async function startAlertmanager(configuration: object): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-alertmanager-'));
  writeFileSync(join(folder, 'alertmanager.yml'), stringify(configuration));
  return start('prometheus-alertmanager', folder, [
    `--config.file=${join(folder, 'alertmanager.yml')}`,
    `--storage.path=${join(folder, 'data')}`,
    // Alone: no gossip with others on this machine.
    '--cluster.listen-address=',
  ]);
}

async function start(command: (typeof commands)[number], folder: string, args: readonly string[]): Promise<Engine> {
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const options = [...args, `--web.listen-address=127.0.0.1:${port}`, '--log.level=warn'];
  const child: ChildProcess = spawn(command, options, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const note = (chunk: Buffer): void => void (output += chunk.toString());
  child.stdout?.on('data', note);
  child.stderr?.on('data', note);
  const gone = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
  });
  const dispose = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(`${command} to be ready`, async () => {
      if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}: ${output}`);
      const { ok } = await fetch(`${url}/-/ready`);
      return ok ? true : undefined;
    });
  } catch (error) {
    await dispose();
    throw error;
  }
  return { url, output: () => output, [Symbol.asyncDispose]: dispose };
}

/** Neither takes a port 0 and says which it got. */
export async function freePort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => void server.close(resolve));
  return port;
}
