/**
 * Looks into a process that was not asked beforehand: its heap after a full collection, its handles, its descriptors.
 * Node opens its inspector on SIGUSR1; the port is read from the kernel's tables. Linux only, as the tests are.
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { until } from './platform.ts';

export interface Footprint {
  readonly heapBytes: number;
  /** Of all buffers. */
  readonly externalBytes: number;
  readonly residentBytes: number;
  /** Sockets, servers, timers …, by kind. */
  readonly resources: Readonly<Record<string, number>>;
  readonly descriptors: number;
}

/** For a platform that is going to be looked into: each process opens its inspector on a port of its own. */
export const inspectable = { NODE_OPTIONS: '--inspect-port=127.0.0.1:0' };

const socketsOf = (pid: number): ReadonlySet<string> =>
  new Set(
    readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(`/proc/${pid}/fd/${fd}`))?.[1];
        return inode === undefined ? [] : [inode];
      } catch {
        return []; // it was closed in between
      }
    }),
  );

/** TCP ports on which the process listens. */
function listeningPorts(pid: number): number[] {
  const inodes = socketsOf(pid);
  return readFileSync(`/proc/${pid}/net/tcp`, 'utf8')
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/\s+/))
    .filter((cells) => cells[3] === '0A' && inodes.has(cells[9] ?? ''))
    .map((cells) => Number.parseInt(cells[1]?.split(':')[1] ?? '', 16));
}

export function descriptorCount(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

export function residentBytes(pid: number): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024;
}

const question = `new Promise((resolve) => setTimeout(() => {
  const { heapUsed, external } = process.memoryUsage();
  const resources = {};
  for (const kind of process.getActiveResourcesInfo()) resources[kind] = (resources[kind] ?? 0) + 1;
  resolve(JSON.stringify({ heapUsed, external, resources }));
  setTimeout(() => process.getBuiltinModule('node:inspector').close(), 100).unref();
}, 0))`;

/** The inspector is closed again: its own sockets do not stay in the next answer. */
export async function footprint(pid: number): Promise<Footprint> {
  const before = new Set(listeningPorts(pid));
  process.kill(pid, 'SIGUSR1');
  const url = await until(`the inspector of process ${pid}`, async () => {
    const port = listeningPorts(pid).find((each) => !before.has(each));
    if (port === undefined) return undefined;
    const [target] = (await (await fetch(`http://127.0.0.1:${port}/json/list`)).json()) as {
      webSocketDebuggerUrl: string;
    }[];
    return target?.webSocketDebuggerUrl;
  });
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener('open', resolve, { once: true });
    socket.addEventListener('error', reject, { once: true });
  });
  let asked = 0;
  const ask = (method: string, params: object = {}): Promise<{ result?: { value?: unknown } }> =>
    new Promise((resolve, reject) => {
      const id = (asked += 1);
      const onMessage = ({ data }: MessageEvent): void => {
        const answer = JSON.parse(String(data)) as { id?: number; result: { result?: { value?: unknown } } };
        if (answer.id !== id) return;
        socket.removeEventListener('message', onMessage);
        resolve(answer.result);
      };
      socket.addEventListener('message', onMessage);
      socket.addEventListener('close', () => reject(new Error(`process ${pid} closed its inspector`)), { once: true });
      socket.send(JSON.stringify({ id, method, params }));
    });
  // Twice: what the first collection finalises, the second frees.
  await ask('HeapProfiler.collectGarbage');
  await ask('HeapProfiler.collectGarbage');
  const { result } = await ask('Runtime.evaluate', { expression: question, awaitPromise: true });
  const seen = JSON.parse(String(result?.value)) as {
    heapUsed: number;
    external: number;
    resources: Record<string, number>;
  };
  socket.close();
  await until('the inspector to be closed', () => (listeningPorts(pid).length === before.size ? true : undefined));
  return {
    heapBytes: seen.heapUsed,
    externalBytes: seen.external,
    residentBytes: residentBytes(pid),
    resources: seen.resources,
    descriptors: descriptorCount(pid),
  };
}

const mib = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB`;

export function describeFootprint(what: string, before: Footprint, after: Footprint): string {
  return `${what}: heap ${mib(before.heapBytes)} → ${mib(after.heapBytes)}, buffers ${mib(before.externalBytes)} → ${mib(after.externalBytes)}, resident ${mib(before.residentBytes)} → ${mib(after.residentBytes)}, descriptors ${before.descriptors} → ${after.descriptors}`;
}
