/**
 * The runtime alone, as a process of its own: the limit that serving is compared with.
 * `node bench/raw-runtime.ts MODEL SECONDS SHAPE(comma-separated)` calls the model in a loop and prints one JSON line.
 */
import { readFileSync } from 'node:fs';

process.env['ORT_DISABLE_TELEMETRY'] = '1';
const ort = await import('onnxruntime-node');

const [path, seconds, shapeText] = process.argv.slice(2);
if (path === undefined || seconds === undefined || shapeText === undefined)
  throw new Error('usage: MODEL SECONDS SHAPE');
const shape = shapeText.split(',').map(Number);
const session = await ort.InferenceSession.create(readFileSync(path), { intraOpNumThreads: 1, interOpNumThreads: 1 });
const data = Float32Array.from(
  { length: shape.reduce((product, size) => product * size, 1) },
  (_, index) => (index % 255) / 255,
);
const feeds = { [session.inputNames[0] as string]: new ort.Tensor('float32', data, shape) };
for (let call = 0; call < 3; call += 1) await session.run(feeds);

process.send?.('ready');
if (process.send !== undefined)
  await new Promise((resolve) => {
    process.once('message', resolve);
  });

const times: number[] = [];
const cpuStart = process.cpuUsage();
const start = performance.now();
const end = start + Number(seconds) * 1000;
for (let now = start; now < end;) {
  await session.run(feeds);
  const after = performance.now();
  times.push(after - now);
  now = after;
}
const elapsed = (performance.now() - start) / 1000;
const cpu = process.cpuUsage(cpuStart);
times.sort((a, b) => a - b);
const result = {
  perSecond: times.length / elapsed,
  p50Ms: times[times.length >> 1] ?? NaN,
  cpuMsPerCall: (cpu.user + cpu.system) / 1000 / times.length,
};
if (process.send === undefined) console.log(JSON.stringify(result));
else process.send(result, () => process.disconnect());
