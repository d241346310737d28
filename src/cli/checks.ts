/**
 * What `flyball doctor` looks at on this machine. A check never throws and changes nothing; native parts are tried in a
 * process of their own, because one that cannot be loaded may take its process with it.
 */
import { execFile } from 'node:child_process';
import { access, constants, readFile, stat, statfs } from 'node:fs/promises';
import { createServer } from 'node:net';
import { availableParallelism, freemem, totalmem } from 'node:os';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StatusView } from '../api/schemas.ts';
import { FlyballError } from '../errors.ts';
import { caller, connect } from './connect.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { byteSize } from '../units.ts';

export interface Checked {
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly wanted: string;
  /** A command or a sentence; absent where there is nothing to do. */
  readonly fix?: string;
}

const probeMsMax = 20_000;
const freeBytesMin = 1024 ** 3;
const memoryBytesMin = 512 * 1024 ** 2;
/** 2026-01-01: before that the clock of the machine has never been set. */
const earliestMs = Date.UTC(2026, 0, 1);

export async function allChecks(invocation: Invocation): Promise<readonly Checked[]> {
  const control = await controlCheck(invocation);
  const checks = await Promise.all([
    nodeCheck(),
    moduleCheck('onnxruntime', 'onnxruntime-node', 'npm install onnxruntime-node'),
    moduleCheck('sharp', 'sharp', 'npm install --include=optional sharp'),
    moduleCheck('jpeg-turbo', '@julusian/jpeg-turbo', 'npm rebuild @julusian/jpeg-turbo'),
    dataDirectoryCheck(dataDirectoryPath(invocation)),
    diskCheck(dataDirectoryPath(invocation)),
    portsCheck(control.status),
    cgroupCheck(),
    memoryCheck(),
    clockCheck(),
  ]);
  const channel = stringOption(invocation.values, 'notify');
  const told = channel === undefined ? [] : [await channelCheck(invocation, channel)];
  return [...checks, control.checked, ...notificationChecks(control.status), ...told];
}

async function nodeCheck(): Promise<Checked> {
  const major = Number(process.versions.node.split('.')[0]);
  const wanted = 'Node 24 or newer';
  const found = `Node ${process.versions.node}, ${process.platform}-${process.arch}, ${availableParallelism()} cores`;
  return major >= 24
    ? { name: 'node', state: 'ok', found, wanted }
    : { name: 'node', state: 'failed', found, wanted, fix: 'nvm install 24' };
}

async function moduleCheck(name: string, specifier: string, fix: string): Promise<Checked> {
  const wanted = `${specifier} loads`;
  const script = `import(${JSON.stringify(specifier)}).then(() => process.exit(0), (e) => { console.error(e.message); process.exit(1); })`;
  return await new Promise((resolve) => {
    execFile(
      process.execPath,
      ['--input-type=module', '-e', script],
      {
        timeout: probeMsMax,
        cwd: dirname(fileURLToPath(import.meta.url)),
        env: { ...process.env, ORT_DISABLE_TELEMETRY: '1' },
      },
      (error, _stdout, stderr) => {
        if (error === null) resolve({ name, state: 'ok', found: 'loads', wanted });
        else {
          const words = stderr.trim().split('\n')[0] ?? '';
          const found = words === '' ? error.message.split('\n')[0] : words;
          resolve({ name, state: 'failed', found: `does not load: ${found}`, wanted, fix });
        }
      },
    );
  });
}

/** The folder, or the nearest above it that exists. */
async function existing(path: string): Promise<string> {
  try {
    await stat(path);
    return path;
  } catch {
    const parent = dirname(path);
    return parent === path ? path : await existing(parent);
  }
}

async function dataDirectoryCheck(path: string): Promise<Checked> {
  const wanted = 'a folder that this user may write';
  const there = await existing(path);
  const note = there === path ? '' : ' (made at the first start)';
  try {
    await access(there, constants.W_OK | constants.X_OK);
    return { name: 'data directory', state: 'ok', found: path + note, wanted };
  } catch {
    const fix = `choose another with --data-dir, or: sudo chown -R $(id -u) ${there}`;
    return { name: 'data directory', state: 'failed', found: `${there} cannot be written`, wanted, fix };
  }
}

async function diskCheck(path: string): Promise<Checked> {
  const wanted = `${byteSize(freeBytesMin)} free for models and logs`;
  try {
    const { bavail, bsize, blocks } = await statfs(await existing(path));
    const free = bavail * bsize;
    // Some file systems report no size at all; that is not a full disk.
    if (blocks === 0 || free >= freeBytesMin)
      return { name: 'disk', state: 'ok', found: blocks === 0 ? 'size unknown' : `${byteSize(free)} free`, wanted };
    const fix = 'free some, or choose another disk with --data-dir';
    return { name: 'disk', state: 'failed', found: `${byteSize(free)} free`, wanted, fix };
  } catch (error) {
    return { name: 'disk', state: 'warning', found: `unknown: ${wordsOf(error)}`, wanted };
  }
}

const usualPorts = { http: 8000, grpc: 8001, metrics: 8002, control: 8080 };

async function portsCheck(status: StatusView | undefined): Promise<Checked> {
  const wanted = 'ports 8000, 8001, 8002 and 8080 free, or ours';
  const ours = new Set(Object.values(status?.listeners ?? {}).map(({ url }) => Number(URL.parse(url)?.port)));
  const { describePortHolder } = await import('../supervisor/port-holder.ts');
  const taken: string[] = [];
  for (const [name, port] of Object.entries(usualPorts)) {
    if (!ours.has(port) && !(await isFree(port))) taken.push(`${port} (${name}) by ${describePortHolder(port)}`);
  }
  if (taken.length === 0) return { name: 'ports', state: 'ok', found: ours.size > 0 ? 'ours or free' : 'free', wanted };
  const fix = 'flyball up --demo takes the next free ones; or set listeners.*.port in flyball.yaml';
  return { name: 'ports', state: 'warning', found: `taken: ${taken.join(', ')}`, wanted, fix };
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return await new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen({ host: '127.0.0.1', port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** Whether `resources.cpu` can hold: a cgroup folder that this user may write, of version 2 or 1. */
async function cgroupCheck(): Promise<Checked> {
  const wanted = 'a writable cgroup, so that resources.cpu and resources.memory hold';
  const fix = 'run under systemd with Delegate=yes, or as root; without it limits are shown but do not hold';
  if (process.platform !== 'linux')
    return { name: 'cgroup', state: 'warning', found: `none on ${process.platform}`, wanted };
  const candidates = await cgroupFolders();
  for (const { folder, version } of candidates) {
    try {
      await access(folder, constants.W_OK);
      await access(`${folder}/cgroup.procs`, constants.W_OK);
      return { name: 'cgroup', state: 'ok', found: `version ${version}, ${folder} is writable`, wanted };
    } catch {
      // The next one may be.
    }
  }
  const found = candidates.length === 0 ? 'no cgroup found' : `${candidates[0]?.folder} cannot be written`;
  return { name: 'cgroup', state: 'warning', found, wanted, fix };
}

interface CgroupFolder {
  readonly folder: string;
  readonly version: 1 | 2;
}

async function cgroupFolders(): Promise<readonly CgroupFolder[]> {
  const text = await readFile('/proc/self/cgroup', 'utf8').catch(() => '');
  return text.split('\n').flatMap((line): readonly CgroupFolder[] => {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined) return [];
    if (controllers === '') return [{ folder: `/sys/fs/cgroup${path}`, version: 2 }];
    if (controllers?.split(',').includes('cpu') !== true) return [];
    return [
      { folder: `/sys/fs/cgroup/${controllers}${path}`, version: 1 },
      { folder: `/sys/fs/cgroup/cpu${path}`, version: 1 },
      // In a container the path is the host's; the mount shows the own folder as the root.
      { folder: '/sys/fs/cgroup/cpu', version: 1 },
    ];
  });
}

async function memoryCheck(): Promise<Checked> {
  const wanted = `${byteSize(memoryBytesMin)} free`;
  const text = await readFile('/proc/meminfo', 'utf8').catch(() => '');
  const available = /MemAvailable:\s+(\d+) kB/.exec(text)?.[1];
  const free = available === undefined ? freemem() : Number(available) * 1024;
  const found = `${byteSize(free)} free of ${byteSize(totalmem())}`;
  return free >= memoryBytesMin
    ? { name: 'memory', state: 'ok', found, wanted }
    : { name: 'memory', state: 'warning', found, wanted, fix: 'serve fewer replicas, or smaller models' };
}

async function clockCheck(): Promise<Checked> {
  const wanted = 'a clock that has been set';
  const found = new Date().toISOString();
  return Date.now() >= earliestMs
    ? { name: 'clock', state: 'ok', found, wanted }
    : { name: 'clock', state: 'failed', found, wanted, fix: 'sudo timedatectl set-ntp true' };
}

async function controlCheck(
  invocation: Invocation,
): Promise<{ readonly checked: Checked; readonly status?: StatusView }> {
  const wanted = 'a control API that answers';
  try {
    const status = await connect(invocation).status(invocation.signal);
    const found = `flyball ${status.flyball} answers, ${status.deployments.length} deployments`;
    return { checked: { name: 'control', state: 'ok', found, wanted }, status };
  } catch (error) {
    const isAway = error instanceof FlyballError && error.code === 'UNREACHABLE';
    const fix = isAway ? 'flyball up' : 'name the right address with --url or FLYBALL_URL';
    return { checked: { name: 'control', state: isAway ? 'warning' : 'failed', found: wordsOf(error), wanted, fix } };
  }
}

/** Channels that do not get through, as status warns of them. */
function notificationChecks(status: StatusView | undefined): readonly Checked[] {
  const troubles = status?.warnings.filter((warning) => warning.startsWith('notifications.')) ?? [];
  return troubles.map((found) => ({
    name: 'notifications',
    state: 'warning',
    found,
    wanted: 'every channel takes its messages',
    fix: 'mend the address or the receiver, then: flyball doctor --notify CHANNEL',
  }));
}

async function channelCheck(invocation: Invocation, channel: string): Promise<Checked> {
  const name = `notify ${channel}`;
  const wanted = 'the receiver takes a message';
  try {
    const { outcome, said, tookMs } = await connect(invocation).testNotification(
      channel,
      caller(invocation.terminal.env),
      invocation.signal,
    );
    const found = `${said}, after ${tookMs} ms`;
    return outcome === 'sent' ? { name, state: 'ok', found, wanted } : { name, state: 'failed', found, wanted };
  } catch (error) {
    return { name, state: 'failed', found: wordsOf(error), wanted };
  }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
