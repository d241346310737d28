/**
 * One session of one file format, as a process of its own: `node bench/format-runtime.ts FORMAT FILE BATCH SHAPE`.
 * Over IPC it answers each burst of so many milliseconds with the median time of a call.
 */
process.env['ORT_DISABLE_TELEMETRY'] = '1';
const ort = await import('onnxruntime-node');

const [format, path, batch, shapeText] = process.argv.slice(2) as [string, string, string, string];
const shape = [Number(batch), ...shapeText.split(',').map(Number)];
const ready = format !== 'plain';
const began = performance.now();
const session = await ort.InferenceSession.create(path, {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  graphOptimizationLevel: ready ? 'disabled' : 'all',
  ...(format === 'mapped'
    ? { extra: { session: { use_memory_mapped_ort_model: '1', use_ort_model_bytes_for_initializers: '1' } } }
    : {}),
});
const loadMs = performance.now() - began;
const data = Float32Array.from(
  { length: shape.reduce((product, size) => product * size, 1) },
  (_, index) => (index % 255) / 255,
);
const feeds = { [session.inputNames[0] as string]: new ort.Tensor('float32', data, shape) };
for (let call = 0; call < 2; call += 1) await session.run(feeds);
process.on('message', (burstMs: number) => {
  void (async () => {
    const times: number[] = [];
    const start = performance.now();
    while (times.length < 3 || performance.now() - start < burstMs) {
      const before = performance.now();
      await session.run(feeds);
      times.push(performance.now() - before);
    }
    times.sort((a, b) => a - b);
    process.send?.({ ms: times[times.length >> 1] });
  })();
});
process.send?.({ loadMs });
