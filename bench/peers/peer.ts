/** Starts the servers of others; one that isn't there or does not start is named with the reason, never left out silently. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { kinds } from './kinds.ts';
import { processTree } from './process-tree.ts';

export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly tinyPath: string;
  readonly jpegPath: string | undefined;
  readonly wordless: boolean;
  pids(): number[];
  /** Throws unless it answers this with 200. */
  answers(path: string, image: Uint8Array): Promise<void>;
  /** What it does while nobody asks it anything must not be counted to others. */
  pause(): void;
  /** Returns when it answers again. */
  resume(): Promise<void>;
}

const root =
  process.env['FLYBALL_PEERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(os.homedir(), '.cache'), 'flyball-peers');
const startMs = 90_000;
const sparePorts = 4;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Reads what it complains of, also so that it never waits for a reader; returns the last of it. */
function listen(child: ChildProcess): () => string {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  return () => words;
}

/** Waits until `body` is answered with 200. */
async function untilAnswers(url: string, body: string, child: ChildProcess, words: () => string): Promise<void> {
  const end = performance.now() + startMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}: ${words()}`);
    if (performance.now() > end) throw new Error(`it did not answer within ${startMs} ms: ${words()}`);
    try {
      const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      await response.arrayBuffer();
      if (response.status === 200) return;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

function signal(pids: readonly number[], name: NodeJS.Signals): void {
  for (const pid of pids) {
    try {
      process.kill(pid, name);
    } catch {
      // It has ended.
    }
  }
}

/** Starts every peer that is installed; the others come back by name with the reason. */
export async function startPeers(
  models: string,
  folder: string,
  tinyBody: string,
): Promise<{ readonly peers: readonly Peer[]; readonly missing: readonly string[] }> {
  const peers: Peer[] = [];
  const missing: string[] = [];
  for (const kind of kinds) {
    const program = join(root, kind.program);
    if (!existsSync(program)) {
      missing.push(`${kind.name}: not installed; bench/peers/install.sh does it`);
      continue;
    }
    const [port = 0, ...spare] = await Promise.all(Array.from({ length: 1 + sparePorts }, freePort));
    const own = join(folder, kind.name);
    mkdirSync(own, { recursive: true });
    const child = kind.start({ program, models, port, spare, folder: own });
    const words = listen(child);
    const pids = (): number[] => processTree(child.pid as number);
    const url = `http://127.0.0.1:${port}`;
    const stop = async (): Promise<void> => {
      signal(pids(), 'SIGCONT');
      if (child.exitCode !== null || child.pid === undefined) return;
      const exited = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    };
    try {
      await untilAnswers(url + kind.tinyPath, tinyBody, child, words);
      peers.push({
        name: kind.name,
        url,
        tinyPath: kind.tinyPath,
        jpegPath: kind.jpegPath,
        wordless: kind.wordless === true,
        pids,
        async answers(path, image) {
          const headers = { 'content-type': 'image/jpeg' };
          const { status } = await fetch(url + path, { method: 'POST', body: Buffer.from(image), headers });
          if (status !== 200) throw new Error(`expected 200 from ${kind.name} for an image, got ${status}`);
        },
        pause: () => signal(pids(), 'SIGSTOP'),
        resume() {
          signal(pids(), 'SIGCONT');
          return untilAnswers(url + kind.tinyPath, tinyBody, child, words);
        },
        [Symbol.asyncDispose]: stop,
      });
    } catch (error) {
      missing.push(`${kind.name}: ${error instanceof Error ? error.message : String(error)}`);
      await stop();
    }
  }
  return { peers, missing };
}
