/**
 * Serving beside the servers that Python teams use, on the same model files, with the same client and two workers each,
 * interleaved in every round. What could not be run is said. The rival is the bare hand-written FastAPI server: it has no
 * queue, no batches, no validation and no metrics.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { generateModel } from '../src/onnx/generate.ts';
import { startPlatform } from '../test/support/platform.ts';
import { v2BinaryBody } from './bodies.ts';
import { generateLoad, type Load, type LoadResult } from './h2load.ts';
import { startPeers, type Peer } from './peers/peer.ts';
import { processTree } from './peers/process-tree.ts';
import { imagePipeline, photograph } from './photograph.ts';
import { cpuSeconds } from './process-cpu.ts';
import { calibrate, median, report, row, type Bar, type BenchmarkOptions, type Report, type Row } from './report.ts';

interface Measured extends LoadResult {
  readonly cpuMsPerRequest: number;
}

/** What one row asks: a path below a server's address, its body, and how many callers. */
type Ask = Omit<Load, 'url' | 'seconds'> & { readonly path: string };

const architectures = {
  tiny: 'mlp',
  mnist: 'mnist-cnn',
  resnet18: 'resnet18',
  densenet161: 'densenet161',
} as const;

function jsonAsk(model: string, shape: readonly number[], callers: number): Ask {
  const data = Array.from(
    { length: shape.reduce((product, size) => product * size, 1) },
    (_, index) => (index % 16) / 16,
  );
  const body = Buffer.from(JSON.stringify({ inputs: [{ name: 'input', datatype: 'FP32', shape, data }] }));
  const headers = { 'content-type': 'application/json' };
  return { path: `/v2/models/${model}/infer`, protocol: 'http1', body, headers, callers };
}

function binaryAsk(model: string, shape: readonly number[], callers: number): Ask {
  const { body, headerLength } = v2BinaryBody('input', shape);
  const headers = {
    'content-type': 'application/octet-stream',
    'inference-header-content-length': String(headerLength),
  };
  return { path: `/v2/models/${model}/infer`, protocol: 'http1', body, headers, callers };
}

async function measure(url: string, pids: readonly number[], ask: Ask, seconds: number): Promise<Measured> {
  const { path, ...load } = ask;
  const before = cpuSeconds(pids);
  const result = await generateLoad({ ...load, url: url + path, seconds });
  // The generator's warm-up half second is served too but not among its requests.
  const served = result.perSecond * (seconds + 0.5);
  return { ...result, cpuMsPerRequest: ((cpuSeconds(pids) - before) * 1000) / served };
}

/** By round: one that gave nothing in one is compared in the others. */
type Others = Map<number, Measured>;

/** `ours ÷ theirs` of every round. */
const ratios = (ours: readonly Measured[], theirs: readonly Measured[], of: (one: Measured) => number): number[] =>
  ours.map((one, round) => of(one) / of(theirs[round] as Measured));

export async function run({ rounds, seconds }: BenchmarkOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-peers-'));
  try {
    await using platform = await startPlatform({
      models: Object.fromEntries([
        ...Object.entries(architectures).map(
          ([name, kind]) => [`${name}/1/model.onnx`, generateModel(kind, 1)] as const,
        ),
        ['resnet18/model.yaml', JSON.stringify(imagePipeline)] as const,
      ]),
      specification: {
        models: Object.fromEntries(Object.keys(architectures).map((name) => [name, { path: `./models/${name}` }])),
        deployments: Object.fromEntries(
          Object.keys(architectures).map((name) => [name, { model: name, replicas: { min: 2, max: 2 } }]),
        ),
      },
    });
    await platform.serving();
    const tiny = jsonAsk('tiny', [1, 16], 32);
    const started = await startPeers(join(platform.folder, 'models'), folder, Buffer.from(tiny.body).toString());
    await using peers = new AsyncDisposableStack();
    for (const peer of started.peers) peers.use(peer);
    for (const reason of started.missing) process.stderr.write(`not compared: ${reason}\n`);
    const fastapi = started.peers.find((peer) => peer.name === 'FastAPI');
    if (fastapi === undefined)
      throw new Error('FastAPI is what everything is compared with: run bench/peers/install.sh');

    const image = await photograph();
    const jpeg = (callers: number): Ask => ({
      path: '/predictions/resnet18',
      protocol: 'http1',
      body: image,
      headers: { 'content-type': 'image/jpeg' },
      callers,
    });
    const digit = [1, 1, 28, 28];
    const picture = [1, 3, 224, 224];
    const asks = {
      tiny,
      tinyAlone: jsonAsk('tiny', [1, 16], 1),
      mnistJson: jsonAsk('mnist', digit, 32),
      mnistBinary: binaryAsk('mnist', digit, 32),
      resnetBinary: binaryAsk('resnet18', picture, 8),
      resnetJpeg: jpeg(8),
      densenet: binaryAsk('densenet161', picture, 8),
      thesis: jpeg(100),
    };
    type Name = keyof typeof asks;
    const names = Object.keys(asks) as Name[];
    /** A p99 of few answers is their maximum: what is slow is measured for longer. */
    const secondsOf = (name: Name): number =>
      seconds * (name === 'densenet' || name === 'thesis' ? 3 : name.startsWith('resnet') ? 2 : 1);
    const lists = (): Record<Name, Measured[]> =>
      Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, Measured[]>;
    const ours = lists();
    const theirs = lists();
    const others = new Map<Peer, Others>(
      started.peers.filter((peer) => peer !== fastapi).map((peer) => [peer, new Map()]),
    );
    const torchServe = started.peers.find((peer) => peer.name === 'TorchServe');
    const torchServes: Others = new Map();
    const measureOther = async (peer: Peer): Promise<Measured> => {
      await peer.resume();
      const ask = { ...tiny, path: peer.tinyPath, wordless: peer.wordless };
      await measure(peer.url, [], ask, 1);
      return measure(peer.url, [], ask, seconds);
    };
    const measureThesis = async (peer: Peer): Promise<Measured> => {
      const { url, jpegPath = '', wordless } = peer;
      await peer.answers(jpegPath, image);
      return measure(url, [], { ...asks.thesis, path: jpegPath, wordless }, secondsOf('thesis'));
    };
    const pids = processTree(platform.process.pid as number);
    for (const name of names) {
      await measure(platform.http, pids, asks[name], 1);
      await measure(fastapi.url, fastapi.pids(), asks[name], 1);
    }
    for (const peer of others.keys()) peer.pause();
    const calibrations: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      process.stderr.write(`round ${round + 1} of ${rounds}\n`);
      calibrations.push(calibrate());
      for (const name of names) {
        ours[name].push(await measure(platform.http, pids, asks[name], secondsOf(name)));
        theirs[name].push(await measure(fastapi.url, fastapi.pids(), asks[name], secondsOf(name)));
      }
      for (const [peer, results] of others) {
        try {
          results.set(round, await measureOther(peer));
          if (peer === torchServe) torchServes.set(round, await measureThesis(peer));
        } catch (error) {
          // What it has shown so far stands.
          process.stderr.write(`${peer.name} is not measured in round ${round + 1}: ${String(error)}\n`);
        }
        peer.pause();
      }
    }

    const rate = (one: Measured): number => one.perSecond;
    const beside = (own: readonly Measured[], others: Others): number[] =>
      [...others].map(([round, one]) => rate(own[round] as Measured) / rate(one));
    const p99 = (one: Measured): number => one.p99Ms;
    const atLeast = (value: number, aim?: number): Bar => ({
      kind: 'at-least',
      value,
      ...(aim === undefined ? {} : { aim }),
    });
    const atMost = (value: number, aim?: number): Bar => ({
      kind: 'at-most',
      value,
      ...(aim === undefined ? {} : { aim }),
    });
    const against = (id: string, name: Name, of: (one: Measured) => number, bar: Bar): Row =>
      row(`${id} ÷ FastAPI`, '×', ratios(ours[name], theirs[name], of), bar);
    const rows = [
      against('tiny, JSON, 32 callers: requests/s', 'tiny', rate, atLeast(1.8, 2.5)),
      against('… its CPU a request', 'tiny', (one) => one.cpuMsPerRequest, atMost(0.5, 0.35)),
      against('tiny, JSON, 1 caller: p50', 'tinyAlone', (one) => one.p50Ms, atMost(1)),
      against('… p99', 'tinyAlone', p99, atMost(1.3, 1)),
      against('MNIST CNN, JSON, 32 callers: requests/s', 'mnistJson', rate, atLeast(1.3, 1.6)),
      against('MNIST CNN, binary, 32 callers: requests/s', 'mnistBinary', rate, atLeast(1, 1.3)),
      against('ResNet-18, binary, 8 callers: requests/s', 'resnetBinary', rate, atLeast(0.95, 1)),
      against('ResNet-18, JPEG, 8 callers: requests/s', 'resnetJpeg', rate, atLeast(1, 1.1)),
      against('… p99', 'resnetJpeg', p99, atMost(1, 0.8)),
      against('DenseNet-161, binary, 8 callers: p99', 'densenet', p99, atMost(1)),
      against('JPEG → ResNet-18, 100 callers: p99', 'thesis', p99, atMost(0.9)),
      row('… requests/s ÷ FastAPI', '×', ratios(ours.thesis, theirs.thesis, rate)),
    ];
    if (torchServes.size > 0) {
      rows.push(row('… requests/s ÷ TorchServe', '×', beside(ours.thesis, torchServes), atLeast(1.15)));
    }
    for (const [peer, results] of others) {
      if (results.size === 0) continue;
      const bar = peer.name === 'MLServer' ? atLeast(8, 12) : atLeast(4);
      rows.push(row(`tiny, JSON, 32 callers: requests/s ÷ ${peer.name}`, '×', beside(ours.tiny, results), bar));
    }
    rows.push(
      row('tiny, JSON, 32 callers', 'requests/s', ours.tiny.map(rate)),
      row('FastAPI, the same', 'requests/s', theirs.tiny.map(rate)),
      row('ResNet-18, JPEG, 8 callers', 'requests/s', ours.resnetJpeg.map(rate)),
      row('FastAPI, the same', 'requests/s', theirs.resnetJpeg.map(rate)),
    );
    return report('peers', median(calibrations), rows);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
