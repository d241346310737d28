/**
 * `npm run bench -- formats`: what a model file's format costs in steady state: the model itself (optimised at its load), the
 * same saved in ORT format after its optimisation, and that file opened memory-mapped as replicas open it. Three
 * processes of one thread stand side by side and take turns; the order rotates, and so does the order of their start.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { prepareOnnx } from '../src/drivers/runtimes/onnx-prepare.ts';
import { generateModel, type ArchitectureName } from '../src/onnx/generate.ts';
import { calibrate, median, report, row, type BenchmarkOptions, type Report, type Row } from './report.ts';

const formats = ['plain', 'optimised', 'mapped'] as const;
type Format = (typeof formats)[number];

const cases: readonly { readonly model: ArchitectureName; readonly shape: string; readonly batches: number[] }[] = [
  { model: 'mnist-cnn', shape: '1,28,28', batches: [1, 8] },
  { model: 'resnet18', shape: '3,224,224', batches: [1, 8] },
  { model: 'densenet161', shape: '3,224,224', batches: [1, 4] },
];
/** New processes get new pages; what is luck of one placement shows as spread over these. */
const generations = 3;

const rotated = <T>(all: readonly T[], by: number): T[] => [
  ...all.slice(by % all.length),
  ...all.slice(0, by % all.length),
];

async function burst(child: ChildProcess, burstMs: number): Promise<number> {
  child.send(burstMs);
  const [{ ms }] = (await once(child, 'message')) as [{ ms: number }];
  return ms;
}

export async function run({ rounds, seconds }: BenchmarkOptions): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-bench-'));
  const calibrations: number[] = [];
  const rows: Row[] = [];
  try {
    for (const { model, shape, batches } of cases) {
      const plain = join(folder, `${model}.onnx`);
      const ort = join(folder, `${model}.ort`);
      writeFileSync(plain, generateModel(model, 1));
      await prepareOnnx({ from: plain, to: ort, level: 'all' }, new AbortController().signal);
      for (const batch of batches) {
        const ratios: Record<Exclude<Format, 'plain'>, number[]> = { optimised: [], mapped: [] };
        const plainMs: number[] = [];
        for (let generation = 0; generation < generations; generation += 1) {
          calibrations.push(calibrate());
          const children = new Map<Format, ChildProcess>();
          for (const format of rotated(formats, generation)) {
            const file = format === 'plain' ? plain : ort;
            const module = fileURLToPath(new URL('format-runtime.ts', import.meta.url));
            const child = fork(module, [format, file, String(batch), shape]);
            await once(child, 'message');
            children.set(format, child);
          }
          for (let round = 0; round < rounds; round += 1) {
            const ms: Partial<Record<Format, number>> = {};
            for (const format of rotated(formats, round))
              ms[format] = await burst(children.get(format) as ChildProcess, (seconds * 1000) / 8);
            plainMs.push(ms.plain as number);
            ratios.optimised.push((ms.optimised as number) / (ms.plain as number));
            ratios.mapped.push((ms.mapped as number) / (ms.plain as number));
          }
          for (const child of children.values()) child.disconnect();
        }
        rows.push(
          row(`${model}, batch ${batch}, the model itself`, 'ms', plainMs),
          row(`${model}, batch ${batch}, optimised file ÷ the model itself`, '×', ratios.optimised),
          row(`${model}, batch ${batch}, memory-mapped ÷ the model itself`, '×', ratios.mapped),
        );
      }
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
  return report('formats', median(calibrations), rows);
}
