/**
 * Writes ../samples: for each digit one that was held out from the training, as a person would send it, 112×112 pixels
 * of dark ink on white. `node examples/digits/training/render-samples.ts`
 */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { loadDigits, side } from './digits.ts';

const names = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];
const scale = 4;

const folder = fileURLToPath(new URL('../samples/', import.meta.url));
mkdirSync(folder, { recursive: true });
const { heldOut } = loadDigits();
for (const [label, name] of names.entries()) {
  const digit = heldOut.find((candidate) => candidate.label === label);
  if (digit === undefined) throw new Error(`no ${name} was held out`);
  const grey = Uint8Array.from(digit.image, (ink) => Math.round((1 - ink) * 255));
  await sharp(grey, { raw: { width: side, height: side, channels: 1 } })
    .resize(side * scale, side * scale, { kernel: 'cubic' })
    .toColourspace('b-w')
    .png()
    .toFile(`${folder}${name}.png`);
}
console.log(`wrote ${names.length} samples`);
