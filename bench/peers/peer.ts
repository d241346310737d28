/**
 * The servers that serving is compared with: each is started as its documentation says, with two workers of one thread
 * on the same model files, and says which models it can serve. Installed by bench/peers/install.sh; one that isn't
 * there is named with the reason, never left out silently.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import net, { type AddressInfo } from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processTree } from './process-tree.ts';

export interface Peer extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  pids(): number[];
}

interface PeerKind {
  readonly name: string;
  /** What must be there, below the folder of the installed peers. */
  readonly program: string;
  start(bin: string, models: string, port: number, folder: string): ChildProcess;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const root =
  process.env['FLYBALL_PEERS'] ?? join(process.env['XDG_CACHE_HOME'] ?? join(os.homedir(), '.cache'), 'flyball-peers');
const startMs = 60_000;

const launch = (
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): ChildProcess =>
  spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'ignore', 'pipe'], detached: true });

const kinds: readonly PeerKind[] = [
  {
    name: 'FastAPI',
    program: 'fastapi/bin/uvicorn',
    start: (program, models, port) =>
      launch(
        program,
        [
          'fastapi_server:app',
          '--workers',
          '2',
          '--port',
          String(port),
          '--loop',
          'uvloop',
          '--http',
          'httptools',
          '--no-access-log',
          '--log-level',
          'warning',
        ],
        here,
        { MODELS: models },
      ),
  },
  {
    name: 'MLServer',
    program: 'mlserver/bin/mlserver',
    start(program, models, port, folder) {
      const settings = {
        host: '127.0.0.1',
        http_port: port,
        grpc_port: 0,
        metrics_port: 0,
        metrics_endpoint: null,
        parallel_workers: 2,
        debug: false,
      };
      mkdirSync(join(folder, 'tiny'), { recursive: true });
      writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
      const model = {
        name: 'tiny',
        implementation: 'mlserver_runtime.OnnxModel',
        max_batch_size: 16,
        max_batch_time: 0.001,
        parameters: { uri: join(models, 'tiny', '1', 'model.onnx') },
      };
      writeFileSync(join(folder, 'tiny', 'model-settings.json'), JSON.stringify(model));
      return launch(program, ['start', folder], folder, { PYTHONPATH: here });
    },
  },
  {
    name: 'LitServe',
    program: 'litserve/bin/python',
    start: (program, models, port) =>
      launch(program, ['litserve_server.py'], here, { MODELS: models, PORT: String(port) }),
  },
  {
    name: 'BentoML',
    program: 'bentoml/bin/bentoml',
    start: (program, models, port) =>
      launch(program, ['serve', 'bentoml_service:Tiny', '--host', '127.0.0.1', '--port', String(port)], here, {
        MODELS: models,
        BENTOML_DO_NOT_TRACK: 'True',
      }),
  },
];

/** Those that are named by the comparison and not installed by the script, with the reason. */
const absent: readonly (readonly [name: string, reason: string])[] = [
  ['TorchServe', 'needs a Java runtime and PyTorch, which bench/peers/install.sh does not install'],
  ['PyTriton', 'its wheel brings Triton and needs a Python built with a shared library'],
  ['Ray Serve', 'not installed by bench/peers/install.sh'],
];

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

/** Waits until `body` is answered with 200. */
async function untilAnswers(url: string, body: string, child: ChildProcess): Promise<void> {
  let words = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString()).slice(-2000);
  });
  const end = performance.now() + startMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`it ended with code ${child.exitCode}: ${words}`);
    if (performance.now() > end) throw new Error(`it did not answer within ${startMs} ms: ${words}`);
    try {
      const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      await response.arrayBuffer();
      if (response.status === 200) return;
      words = `status ${response.status}`;
    } catch {
      // Not listening yet.
    }
    await new Promise((resolve) => {
      setTimeout(resolve, 200);
    });
  }
}

/** Starts every peer that is installed; the others come back by name with the reason. */
export async function startPeers(
  models: string,
  folder: string,
  tinyBody: string,
): Promise<{ readonly peers: readonly Peer[]; readonly missing: readonly string[] }> {
  const peers: Peer[] = [];
  const missing = absent.map(([name, reason]) => `${name}: ${reason}`);
  for (const kind of kinds) {
    const program = join(root, kind.program);
    if (!existsSync(program)) {
      missing.push(`${kind.name}: not installed; bench/peers/install.sh does it`);
      continue;
    }
    const port = await freePort();
    const own = join(folder, kind.name);
    mkdirSync(own, { recursive: true });
    const child = kind.start(program, models, port, own);
    const url = `http://127.0.0.1:${port}`;
    const stop = async (): Promise<void> => {
      if (child.exitCode !== null || child.pid === undefined) return;
      const exited = once(child, 'exit');
      process.kill(-child.pid, 'SIGTERM');
      const timer = setTimeout(() => process.kill(-(child.pid as number), 'SIGKILL'), 5000);
      await exited;
      clearTimeout(timer);
    };
    try {
      await untilAnswers(`${url}/v2/models/tiny/infer`, tinyBody, child);
      peers.push({ name: kind.name, url, pids: () => processTree(child.pid as number), [Symbol.asyncDispose]: stop });
    } catch (error) {
      missing.push(`${kind.name}: ${error instanceof Error ? error.message : String(error)}`);
      await stop();
    }
  }
  return { peers, missing };
}
