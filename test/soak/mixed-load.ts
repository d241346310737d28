/**
 * Everything at once, for as long as asked: JSON, binary tensors, gRPC, pictures, callers that hang up, bad requests, an alias
 * that moves and a replica that is killed, while the processes are looked at from outside. It judges nothing.
 */
import { readFileSync } from 'node:fs';
import http from 'node:http';
import net from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { openClient } from '../../src/client/client.ts';
import { addsub, goldenModels, multiplier } from '../fixtures/models.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { descriptorCount, residentBytes } from '../support/inspect.ts';
import { percentile } from '../support/overload.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, type Platform } from '../support/platform.ts';
import type { Sample, SoakRecord } from './judge.ts';

const samplesMax = 720;
const sampleMsMin = 2000;
/** Between two requests of a caller: the machine is busy, not saturated, so that a longer answer means something. */
const pauseMs = 15;
const aliasEveryMs = 20_000;
/** A replica that has lived ten seconds is replaced at once. */
const killEveryMs = 30_000;

const example = (path: string): Buffer => readFileSync(new URL(`../../examples/digits/${path}`, import.meta.url));
const ones = Array.from({ length: 16 }, () => 1);
const addsubBody = v2(...['INPUT0', 'INPUT1'].map((name) => ({ name, datatype: 'INT32', shape: [1, 16], data: ones })));
const timesBody = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] });
const badBodies = [
  '{',
  '{"inputs":[]}',
  addsubBody.replace('INT32', 'FP32'),
  addsubBody.replace('[1,16]', '[1,15]'),
  '',
];

async function start(): Promise<Platform> {
  const digits = example('model.yaml').toString();
  const names = ['addsub', 'times', 'digits', 'identity'];
  return startPlatform({
    models: {
      'addsub/1/model.onnx': addsub(),
      'times/1/model.onnx': multiplier(2),
      'times/2/model.onnx': multiplier(3),
      'identity/1/model.onnx': (goldenModels['identity_fp32'] as () => Uint8Array)(),
      'digits/1/model.onnx': example('1/model.onnx'),
      'digits/model.yaml': digits.slice(0, digits.indexOf('warmUp:')),
    },
    specification: {
      models: {
        ...Object.fromEntries(names.map((name) => [name, { path: `./models/${name}` }])),
        times: { path: './models/times', aliases: { champion: 1 } },
      },
      deployments: {
        addsub: { model: 'addsub', replicas: { min: 2, max: 2 } },
        times: { model: 'times@champion' },
        digits: { model: 'digits' },
        identity: { model: 'identity' },
      },
    },
  });
}

export async function soak(durationMs: number, say: (line: string) => void): Promise<SoakRecord> {
  await using platform = await start();
  await platform.serving();
  const startedAt = performance.now();
  const passed = (): number => performance.now() - startedAt;
  const going = (): boolean => passed() < durationMs;
  const failures: Record<string, number> = {};
  const samples: Sample[] = [];
  let answered = 0;
  let latencies: number[] = [];
  const failed = (what: string): void => void (failures[what] = (failures[what] ?? 0) + 1);

  const agent = new http.Agent({ keepAlive: true });
  const post = (path: string, body: string | Uint8Array, headers: Record<string, string> = {}): Promise<number> =>
    new Promise((resolve, reject) => {
      const request = http.request(`${platform.http}${path}`, { method: 'POST', agent, headers }, (response) => {
        response.on('error', reject);
        response.resume().on('end', () => resolve(response.statusCode ?? 0));
      });
      request.on('error', reject);
      request.end(body);
    });
  /** One caller: a request, a pause, until the end. */
  const caller = async (what: string, once: (turn: number) => Promise<boolean>, pause = pauseMs): Promise<void> => {
    for (let turn = 0; going(); turn += 1) {
      try {
        if (await once(turn)) answered += 1;
        else failed(what);
      } catch (error) {
        failed(`${what}: ${(error as Error).message}`);
      }
      await delay(pause);
    }
  };

  await using grpc = openClient({ url: platform.grpc, transport: 'grpc', retries: 0 });
  const seven = example('samples/seven.png');
  const numbers = new Uint8Array(new Float32Array(1024).buffer);
  const raw = { 'inference-header-content-length': '0', 'content-type': 'application/octet-stream' };
  const steady = async (): Promise<boolean> => {
    const sentAt = performance.now();
    const status = await post('/v2/models/addsub/infer', addsubBody);
    latencies.push(performance.now() - sentAt);
    return status === 200;
  };
  const hangUp = async (turn: number): Promise<boolean> => {
    const { hostname, port } = new URL(platform.http);
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.on('error', () => {});
    const whole = `POST /v2/models/addsub/infer HTTP/1.1\r\nHost: soak\r\nContent-Length: ${addsubBody.length}\r\n\r\n${addsubBody}`;
    await new Promise<void>((resolve) => {
      socket.write(whole.slice(0, turn % 2 === 0 ? undefined : 200), () => resolve());
    });
    socket.destroy();
    return true;
  };
  const moveAlias = async (turn: number): Promise<boolean> => {
    const version = turn % 2 === 0 ? '2' : '1';
    const { code } = await runCli(['models', 'alias', 'times', 'champion', version], { FLYBALL_URL: platform.control });
    return code === 0;
  };
  const killReplica = async (): Promise<boolean> => {
    const { deployments } = await platform.status();
    const all = deployments.find(({ name }) => name === 'addsub')?.replicas ?? [];
    const ready = all.filter(({ state }) => state === 'ready');
    // With one left there would be nobody to take over what it has.
    if (ready.length === 2) process.kill(Number(/pid (\d+)/.exec(ready[0]?.where ?? '')?.[1]), 'SIGKILL');
    return true;
  };

  async function sample(): Promise<void> {
    const status = await platform.status();
    const processes = new Map<string, number>([
      ['supervisor', platform.process.pid as number],
      ['control', childPid(platform, 'control')],
      ['gateway', childPid(platform, 'gateway')],
    ]);
    for (const { name, replicas } of status.deployments)
      if (name === 'digits' || name === 'identity')
        for (const { where } of replicas) processes.set(`runner of ${name}`, Number(/pid (\d+)/.exec(where)?.[1]));
    const entries = [...processes];
    samples.push({
      at: passed(),
      residentBytes: Object.fromEntries(entries.map(([name, pid]) => [name, residentBytes(pid)])),
      descriptors: Object.fromEntries(entries.map(([name, pid]) => [name, descriptorCount(pid)])),
      p99Ms: percentile(latencies, 0.99),
      answered,
    });
    latencies = [];
  }
  const everyMs = Math.max(sampleMsMin, durationMs / samplesMax);
  const watching = (async () => {
    let said = 0;
    for (;;) {
      await delay(Math.min(everyMs, Math.max(durationMs - passed(), 0)));
      if (!going()) return;
      await sample();
      const minute = Math.floor(passed() / 60_000);
      if (minute <= said) continue;
      said = minute;
      const { residentBytes: resident, p99Ms } = samples.at(-1) as Sample;
      const memory = Object.entries(resident).map(([name, bytes]) => `${name} ${Math.round(bytes / 2 ** 20)}`);
      say(`minute ${minute}: ${answered} answered, p99 ${p99Ms.toFixed(1)} ms, MiB: ${memory.join(', ')}`);
    }
  })();

  await Promise.all([
    watching,
    ...Array.from({ length: 4 }, () => caller('JSON', steady)),
    ...Array.from({ length: 2 }, () =>
      caller('binary', async () => (await post('/v2/models/identity/infer', numbers, raw)) === 200),
    ),
    ...Array.from({ length: 2 }, () =>
      caller('gRPC', async () => {
        const inputs = [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 1024], bytes: numbers }] as const;
        return (await grpc.infer({ model: 'identity', inputs })).outputs.length === 1;
      }),
    ),
    caller('picture', async () => (await post('/predictions/digits', seven, { 'content-type': 'image/png' })) === 200),
    ...Array.from({ length: 2 }, () =>
      caller('JSON during updates', async () => (await post('/v2/models/times/infer', timesBody)) === 200),
    ),
    caller('hang-up', hangUp),
    caller(
      'bad request',
      async (turn) => (await post('/v2/models/addsub/infer', badBodies[turn % badBodies.length] ?? '')) === 400,
    ),
    (async () => {
      for (let turn = 0; going(); turn += 1) {
        await delay(Math.min(aliasEveryMs, Math.max(durationMs - passed(), 0)));
        if (going() && !(await moveAlias(turn))) failed('moving the alias');
      }
    })(),
    (async () => {
      while (going()) {
        await delay(Math.min(killEveryMs, Math.max(durationMs - passed(), 0)));
        if (going()) await killReplica();
      }
    })(),
  ]);
  agent.destroy();
  return { durationMs, samples, failures, answered };
}
