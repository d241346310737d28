/** Writes the models that benchmarks serve: `node bench/models.ts DIR` makes tiny, mnist, resnet18 and densenet161 .onnx there. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArchitectureName } from '../src/onnx/generate.ts';
import { generateModel } from '../src/onnx/generate.ts';

const files: Readonly<Record<string, ArchitectureName>> = {
  tiny: 'mlp',
  mnist: 'mnist-cnn',
  resnet18: 'resnet18',
  densenet161: 'densenet161',
};
const seed = 1;

const [directory] = process.argv.slice(2);
if (directory === undefined) {
  console.error('expected a folder to write to: node bench/models.ts DIR');
  process.exit(2);
}
await mkdir(directory, { recursive: true });
for (const [name, architecture] of Object.entries(files)) {
  const startedAt = performance.now();
  const file = generateModel(architecture, seed);
  const path = join(directory, `${name}.onnx`);
  await writeFile(path, file);
  console.log(`${path}  ${file.byteLength} bytes  ${Math.round(performance.now() - startedAt)} ms`);
}
