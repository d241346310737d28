/**
 * A whole platform as a user would start it, for end-to-end tests: real processes, real sockets, free ports, a data
 * directory of its own that is gone afterwards. Only what is documented is used: the command line and the control API.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import type { StatusView } from '../../src/api/schemas.ts';

export const cliPath = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface PlatformFiles {
  /** Model folders in Triton's layout, by path below `models/`: `addsub/1/model.onnx`. */
  readonly models?: Readonly<Record<string, Uint8Array | string>>;
  /**
   * What flyball.yaml says besides listeners; model paths are `./models/…`. Absent: what the data directory holds is
   * served on.
   */
  readonly specification?: Readonly<Record<string, unknown>>;
  readonly arguments?: readonly string[];
  /** One that is there, to start on again: it is whoever made it that removes it. */
  readonly dataDirectory?: string;
  /** Added to the environment of everything that it starts. */
  readonly env?: Readonly<Record<string, string>>;
}

export interface Platform extends AsyncDisposable {
  readonly process: ChildProcess;
  readonly folder: string;
  readonly dataDirectory: string;
  readonly specificationPath: string;
  readonly http: string;
  readonly grpc: string;
  readonly metrics: string;
  readonly control: string;
  /** TorchServe's management API, where the specification has its listener. */
  readonly management: string | undefined;
  readonly output: () => { readonly stdout: string; readonly stderr: string };
  /** The first key, where callers need one. */
  adminKey(): string | undefined;
  status(): Promise<StatusView>;
  /** Waits until every deployment serves. */
  serving(): Promise<StatusView>;
  /** Ends it with a signal and waits; returns the exit code. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

const startMs = 60_000;
const pollMs = 50;

/** Polls until `check` gives something; throws with `what` and the last error when it takes longer than `limitMs`. */
export async function until<T>(
  what: string,
  check: () => T | undefined | Promise<T | undefined>,
  limitMs = startMs,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  while (performance.now() < end) {
    try {
      const found = await check();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pollMs);
    });
  }
  throw new Error(`gave up waiting after ${limitMs} ms: ${what}`, { cause: last });
}

/** Whether a gateway says that the model is ready; its certificate is one that the test has made. */
function isReadyAt(url: string, model: string, key: string | undefined): Promise<boolean> {
  const { request } = url.startsWith('https:') ? https : http;
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  const options = { headers, agent: false, rejectUnauthorized: false };
  return new Promise((resolve, reject) => {
    request(`${url}/v2/models/${encodeURIComponent(model)}/ready`, options, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', reject)
      .end();
  });
}

const anyPort = { host: '127.0.0.1', port: 0 };

export async function startPlatform(files: PlatformFiles): Promise<Platform> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-test-'));
  for (const [path, content] of Object.entries(files.models ?? {})) {
    const full = join(folder, 'models', path);
    mkdirSync(join(full, '..'), { recursive: true });
    writeFileSync(full, content);
  }
  const specificationPath = join(folder, 'flyball.yaml');
  const { specification } = files;
  if (specification !== undefined) {
    const own = specification['listeners'] as object | undefined;
    const listeners = { http: anyPort, grpc: anyPort, metrics: anyPort, control: anyPort, ...own };
    writeFileSync(specificationPath, stringify({ ...specification, listeners }));
  }
  const named = specification === undefined ? [] : [specificationPath];
  const dataDirectory = files.dataDirectory ?? join(folder, 'data');
  const child = spawn(
    process.execPath,
    [cliPath, 'up', ...named, '--data-dir', dataDirectory, ...(files.arguments ?? [])],
    { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...files.env } },
  );
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
  const exited = new Promise<number | null>((resolve) => {
    child.on('close', resolve);
  });
  const end = async (signal: NodeJS.Signals): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    return exited;
  };
  const dispose = async (): Promise<void> => {
    await end('SIGTERM');
    rmSync(folder, { recursive: true, force: true });
  };

  try {
    const listening = await until('the platform to say where it listens', () => {
      if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
      const { pid, listeners: found } = JSON.parse(readFileSync(join(dataDirectory, 'supervisor.json'), 'utf8')) as {
        pid: number;
        listeners: Record<'http' | 'grpc' | 'metrics' | 'control', { url: string }> & { management?: { url: string } };
      };
      // One that was killed on the same directory leaves what it announced.
      return pid === child.pid ? found : undefined;
    });
    const adminKey = (): string | undefined => {
      const path = join(dataDirectory, 'admin.key');
      return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
    };
    const status = async (): Promise<StatusView> => {
      const key = adminKey();
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const response = await fetch(`${listening.control.url}/api/v1/status`, { headers });
      if (!response.ok) throw new Error(`status answered ${response.status}`);
      return (await response.json()) as StatusView;
    };
    const wanted = Object.keys((specification?.['deployments'] as object | undefined) ?? {}).length;
    return {
      process: child,
      folder,
      dataDirectory,
      specificationPath,
      http: listening.http.url,
      grpc: listening.grpc.url,
      metrics: listening.metrics.url,
      control: listening.control.url,
      management: listening.management?.url,
      output: () => ({ stdout, stderr }),
      adminKey,
      status,
      serving: () =>
        until('every deployment to serve', async () => {
          if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${stderr}`);
          const seen = await status();
          const all = seen.deployments.length >= wanted && seen.deployments.every(({ state }) => state === 'serving');
          // Control knows it a moment before a gateway does.
          if (!all) return undefined;
          const ready = seen.deployments.map(({ name }) => isReadyAt(listening.http.url, name, adminKey()));
          return (await Promise.all(ready)).every(Boolean) ? seen : undefined;
        }),
      end,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw new Error(`the platform did not start: ${stdout}\n${stderr}`, { cause: error });
  }
}
