/** So many requests, and no time limit: h2load with a count, and what it took of the processor itself. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Load } from '../h2load.ts';
import { cpuSeconds } from '../process-cpu.ts';

export interface Answered {
  /** From the first request to the last answer. */
  readonly seconds: number;
  readonly p99Ms: number;
  /** Of the generator. */
  readonly cpuSeconds: number;
}

const lookMs = 100;

/** HTTP/1.1, closed loop. Throws when any answer was not a 2xx. */
export async function sendRequests(
  load: Pick<Load, 'url' | 'body' | 'headers' | 'callers'> & { readonly requests: number },
): Promise<Answered> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  try {
    const [bodyPath, logPath] = [join(folder, 'body'), join(folder, 'log')];
    writeFileSync(bodyPath, load.body);
    const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const clients = Math.min(load.callers, load.requests);
    const child = spawn(
      'h2load',
      [
        '--h1',
        '--threads=1',
        `--clients=${clients}`,
        `--requests=${load.requests}`,
        `--data=${bodyPath}`,
        `--log-file=${logPath}`,
        ...headers,
        load.url,
      ],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    // What a process has used is gone with it: the last look before its end counts.
    let used = 0;
    const looking = setInterval(() => {
      try {
        used = cpuSeconds([child.pid as number]);
      } catch {
        // It has ended.
      }
    }, lookMs);
    const [stdout] = await Promise.all([text(child.stdout), once(child, 'close')]).finally(() =>
      clearInterval(looking),
    );
    const good = /status codes: (\d+) 2xx/.exec(stdout)?.[1];
    if (Number(good) !== load.requests)
      throw new Error(`${load.url}: expected ${load.requests} answers with 2xx, h2load says:\n${stdout}`);
    return { ...readLog(readFileSync(logPath, 'utf8')), cpuSeconds: used };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Each line is of one request: when it began in Unix microseconds, its status, and how many microseconds it took. */
export function readLog(log: string): Omit<Answered, 'cpuSeconds'> {
  const all = log
    .trimEnd()
    .split('\n')
    .map((line) => line.split('\t').map(Number) as [number, number, number]);
  const began = Math.min(...all.map(([at]) => at));
  const ended = Math.max(...all.map(([at, , took]) => at + took));
  const sorted = all.map(([, , took]) => took).toSorted((left, right) => left - right);
  const p99 = sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * 0.99))] ?? Number.NaN;
  return { seconds: (ended - began) / 1e6, p99Ms: p99 / 1000 };
}
