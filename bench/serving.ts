/**
 * What serving costs over the bare runtime and over bare HTTP, as ratios measured side by side: in every round each
 * pair runs one after the other, so that a machine whose speed drifts disturbs both alike.
 * The load generator shares the cores with the server, as it did when the bars were set.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generateModel } from '../src/onnx/generate.ts';
import { startPlatform, type Platform } from '../test/support/platform.ts';
import { generateLoad, type Load, type LoadResult } from './h2load.ts';
import { grpcInferBody, v2BinaryBody } from './bodies.ts';
import { imagePipeline, photograph } from './photograph.ts';
import { cpuSeconds } from './process-cpu.ts';
import { calibrate, median, report, row, slowness, type BenchmarkOptions, type Report } from './report.ts';

const imageShape = [1, 3, 224, 224] as const;
const tinyShape = [1, 16] as const;
const saturatingCallers = 32;

interface RawResult {
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly cpuMsPerCall: number;
}

const path = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** The runtime alone, in `processes` processes of one thread each that start together. */
async function rawRuntime(
  model: string,
  shape: readonly number[],
  processes: number,
  seconds: number,
): Promise<RawResult> {
  const children = Array.from({ length: processes }, () =>
    fork(path('raw-runtime.ts'), [model, String(seconds), shape.join(',')]),
  );
  await Promise.all(children.map((child) => once(child, 'message')));
  const results = await Promise.all(
    children.map(async (child) => {
      child.send('go');
      const [result] = (await once(child, 'message')) as [RawResult];
      return result;
    }),
  );
  return {
    perSecond: results.reduce((sum, { perSecond }) => sum + perSecond, 0),
    p50Ms: median(results.map(({ p50Ms }) => p50Ms)),
    cpuMsPerCall: median(results.map(({ cpuMsPerCall }) => cpuMsPerCall)),
  };
}

async function startEcho(): Promise<{ url: string; child: ChildProcess }> {
  const child = fork(path('echo-server.ts'));
  const [port] = (await once(child, 'message')) as [number];
  return { url: `http://127.0.0.1:${port}/`, child };
}

async function startServer(): Promise<Platform> {
  const model = (architecture: 'mlp' | 'resnet18' | 'densenet161'): Uint8Array => generateModel(architecture, 1);
  return startPlatform({
    models: {
      'tiny/1/model.onnx': model('mlp'),
      'resnet18/1/model.onnx': model('resnet18'),
      'resnet18/model.yaml': JSON.stringify(imagePipeline),
      'densenet161/1/model.onnx': model('densenet161'),
    },
    specification: {
      models: {
        tiny: { path: './models/tiny' },
        resnet18: { path: './models/resnet18' },
        densenet161: { path: './models/densenet161' },
      },
      deployments: {
        // A request takes 7 µs of its replica and 35 of the gateway: a second replica only takes time from the gateway
        // (24.8 → 22.6 k requests a second with 32 callers).
        tiny: { model: 'tiny', replicas: { min: 1, max: 1 } },
        resnet18: { model: 'resnet18', replicas: { min: 2, max: 2 } },
        densenet161: { model: 'densenet161', replicas: { min: 2, max: 2 } },
      },
    },
  });
}

export async function run({ rounds, seconds }: BenchmarkOptions): Promise<Report> {
  await using platform = await startServer();
  const status = await platform.serving();
  const folder = join(platform.folder, 'models');
  const onnx = (name: string): string => join(folder, name, '1', 'model.onnx');
  const serverPids = [
    ...status.gateways.map(({ pid }) => pid),
    ...status.deployments.flatMap(({ replicas }) => replicas.map(({ where }) => Number(/pid (\d+)/.exec(where)?.[1]))),
  ];

  const tensors = (name: string, shape: readonly number[]): Pick<Load, 'url' | 'protocol' | 'body' | 'headers'> => {
    const { body, headerLength } = v2BinaryBody('input', shape);
    return {
      url: `${platform.http}/v2/models/${name}/infer`,
      protocol: 'http1',
      body,
      headers: { 'content-type': 'application/octet-stream', 'inference-header-content-length': String(headerLength) },
    };
  };
  const tinyJson = Buffer.from(
    JSON.stringify({
      inputs: [
        {
          name: 'input',
          datatype: 'FP32',
          shape: tinyShape,
          data: Array.from({ length: 16 }, (_, index) => index / 16),
        },
      ],
    }),
  );
  const json = {
    url: `${platform.http}/v2/models/tiny/infer`,
    protocol: 'http1',
    body: tinyJson,
    headers: { 'content-type': 'application/json' },
  } as const;
  const grpc = {
    url: `${platform.grpc}/inference.GRPCInferenceService/ModelInfer`,
    protocol: 'http2',
    body: grpcInferBody('tiny', 'input', tinyShape),
    headers: { 'content-type': 'application/grpc', te: 'trailers' },
  } as const;
  const jpeg = {
    url: `${platform.http}/predictions/resnet18`,
    protocol: 'http1',
    body: await photograph(),
    headers: { 'content-type': 'image/jpeg' },
  } as const;

  const echo = await startEcho();
  const load = (what: Omit<Load, 'callers' | 'seconds'>, callers: number): Promise<LoadResult> =>
    generateLoad({ ...what, callers, seconds });
  const calibrations: number[] = [];
  const measured = {
    resnet18: [] as number[],
    densenet161: [] as number[],
    cpu: [] as number[],
    addedP50: [] as number[],
    ofEcho: [] as number[],
    ofJsonEcho: [] as number[],
    echoPerSecond: [] as number[],
    grpcOfRest: [] as number[],
    jpegOfTensor: [] as number[],
    restPerSecond: [] as number[],
    grpcPerSecond: [] as number[],
    rawResnet18: [] as number[],
    servedResnet18: [] as number[],
  };

  // The first call of everything pays for code that is compiled once; it is not counted.
  for (const warm of [json, grpc, tensors('resnet18', imageShape), tensors('densenet161', imageShape), jpeg])
    await load(warm, 4);

  for (let round = 0; round < rounds; round += 1) {
    process.stderr.write(`round ${round + 1} of ${rounds}\n`);
    calibrations.push(calibrate());

    // The raw runtime on both sides of the served one: what drifts in one direction meanwhile cancels.
    const rawBefore = await rawRuntime(onnx('resnet18'), imageShape, 2, seconds);
    const cpuBefore = cpuSeconds(serverPids);
    const served = await load(tensors('resnet18', imageShape), saturatingCallers);
    const cpuUsed = cpuSeconds(serverPids) - cpuBefore;
    const rawAfter = await rawRuntime(onnx('resnet18'), imageShape, 2, seconds);
    const images = await load(jpeg, saturatingCallers);
    const servedAgain = await load(tensors('resnet18', imageShape), saturatingCallers);
    const rawPerSecond = (rawBefore.perSecond + rawAfter.perSecond) / 2;
    const rawCpuMs = (rawBefore.cpuMsPerCall + rawAfter.cpuMsPerCall) / 2;
    measured.rawResnet18.push(rawPerSecond);
    measured.servedResnet18.push(served.perSecond);
    measured.resnet18.push(served.perSecond / rawPerSecond);
    // The generator's warm-up half second is served too but not among its requests: per second, not per request.
    measured.cpu.push((cpuUsed * 1000) / (served.perSecond * (seconds + 0.5)) / rawCpuMs);
    measured.jpegOfTensor.push((2 * images.perSecond) / (served.perSecond + servedAgain.perSecond));

    // A window of the others holds too few answers of a model this slow.
    const denseSeconds = seconds * 2;
    const rawDenseBefore = await rawRuntime(onnx('densenet161'), imageShape, 2, denseSeconds);
    const dense = await generateLoad({
      ...tensors('densenet161', imageShape),
      callers: saturatingCallers,
      seconds: denseSeconds,
    });
    const rawDenseAfter = await rawRuntime(onnx('densenet161'), imageShape, 2, denseSeconds);
    measured.densenet161.push((2 * dense.perSecond) / (rawDenseBefore.perSecond + rawDenseAfter.perSecond));

    const rawTiny = await rawRuntime(onnx('tiny'), tinyShape, 1, Math.min(seconds, 1));
    const one = await load(json, 1);
    measured.addedP50.push(one.p50Ms - rawTiny.p50Ms);

    const bare = await load({ ...json, url: echo.url }, saturatingCallers);
    const bareJson = await load({ ...json, url: `${echo.url}json` }, saturatingCallers);
    const rest = await load(json, saturatingCallers);
    const rpc = await load(grpc, saturatingCallers);
    measured.ofEcho.push(rest.perSecond / bare.perSecond);
    measured.ofJsonEcho.push(rest.perSecond / bareJson.perSecond);
    measured.echoPerSecond.push(bare.perSecond);
    measured.grpcOfRest.push(rpc.perSecond / rest.perSecond);
    measured.restPerSecond.push(rest.perSecond);
    measured.grpcPerSecond.push(rpc.perSecond);
  }
  echo.child.disconnect();
  const calibration = median(calibrations);
  const scale = slowness(calibration);
  return report('serving', calibration, [
    row('ResNet-18, binary tensors, saturated ÷ raw runtime 2 × 1 thread', '×', measured.resnet18, {
      kind: 'at-least',
      value: 0.85,
      aim: 0.93,
    }),
    row('DenseNet-161, same', '×', measured.densenet161, { kind: 'at-least', value: 0.92, aim: 0.97 }),
    row("server CPU per ResNet-18 request ÷ raw runtime's", '×', measured.cpu, {
      kind: 'at-most',
      value: 1.15,
      aim: 1.08,
    }),
    row(
      'tiny, JSON, 1 caller: added p50 over the raw call',
      'ms',
      measured.addedP50,
      { kind: 'at-most', value: 0.3, aim: 0.16 },
      scale,
    ),
    row('tiny, JSON, 32 callers ÷ bare node:http echo', '×', measured.ofEcho, {
      kind: 'at-least',
      value: 0.5,
      aim: 0.8,
    }),
    row('gRPC ModelInfer tiny, 32 callers ÷ our REST', '×', measured.grpcOfRest, {
      kind: 'at-least',
      value: 0.4,
      aim: 0.6,
    }),
    row('JPEG 640×480 → ResNet-18, saturated ÷ binary tensors', '×', measured.jpegOfTensor, {
      kind: 'at-least',
      value: 0.85,
      aim: 0.92,
    }),
    row('raw runtime, ResNet-18, 2 × 1 thread', 'items/s', measured.rawResnet18),
    row('served, ResNet-18, binary tensors', 'items/s', measured.servedResnet18),
    row('tiny, JSON, 32 callers ÷ node:http that parses and prints the JSON', '×', measured.ofJsonEcho),
    row('bare node:http echo, 32 callers', 'requests/s', measured.echoPerSecond),
    row('tiny, JSON, 32 callers', 'requests/s', measured.restPerSecond),
    row('tiny, gRPC, 32 callers', 'requests/s', measured.grpcPerSecond),
  ]);
}
