/** The load generator of the benchmarks: h2load (Debian package nghttp2-client), closed loop, over loopback. */
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Load {
  readonly url: string;
  readonly protocol: 'http1' | 'http2';
  readonly callers: number;
  readonly seconds: number;
  readonly body: Uint8Array;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * The server's status line ends after the number (TorchServe's does), which h2load doesn't read: every answer counts, and
   * whether the server answers well has to be seen by other means.
   */
  readonly wordless?: boolean;
}

export interface LoadResult {
  readonly perSecond: number;
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const run = promisify(execFile);

/** Throws when any answer was not a 2xx: a benchmark of errors is none. */
export async function generateLoad(load: Load): Promise<LoadResult> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  try {
    const bodyPath = join(folder, 'body');
    const logPath = join(folder, 'log');
    writeFileSync(bodyPath, load.body);
    const headers = Object.entries(load.headers).flatMap(([name, value]) => ['-H', `${name}: ${value}`]);
    const { stdout } = await run(
      'h2load',
      [
        load.protocol === 'http1' ? '--h1' : '--no-tls-proto=h2c',
        `--clients=${load.callers}`,
        '--threads=1',
        `--duration=${load.seconds}`,
        '--warm-up-time=500ms',
        `--data=${bodyPath}`,
        `--log-file=${logPath}`,
        ...headers,
        load.url,
      ],
      { maxBuffer: 1 << 24 },
    );
    const codes = /status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx/.exec(stdout);
    const finished = /finished in ([\d.]+)(m?s), ([\d.]+) req\/s/.exec(stdout);
    if (codes === null || finished === null) throw new Error(`h2load said nothing that is understood:\n${stdout}`);
    const [, ok, redirected, refused, failed] = codes.map(Number);
    const unread = load.wordless === true && ok === 0;
    if (!unread && (redirected !== 0 || refused !== 0 || failed !== 0 || ok === 0))
      throw new Error(`${load.url}: ${codes[0]}, expected only 2xx`);
    const times = readFileSync(logPath, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => Number(line.split('\t')[2]) / 1000);
    const sorted = times.filter((time) => Number.isFinite(time)).sort((a, b) => a - b);
    const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? NaN;
    return {
      perSecond: Number(finished[3]),
      requests: ok as number,
      seconds: load.seconds,
      p50Ms: at(0.5),
      p99Ms: at(0.99),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
