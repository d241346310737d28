/**
 * Trains the digit reader and writes ../1/model.onnx: `node examples/digits/training/train.ts`, about two minutes.
 * The schedule was chosen by training on 6,000 of the training digits and measuring on the other 1,500; it is fixed,
 * and the held-out digits are only measured on, after the last step.
 */
import { writeFileSync } from 'node:fs';
import { buildGraph, int, ints } from '../../../src/onnx/writer.ts';
import type { Rng } from '../../../src/rng.ts';
import { seededRng, shuffle } from '../../../src/rng.ts';
import type { Digit } from './digits.ts';
import { loadDigits, pixels, side } from './digits.ts';
import type { Layer } from './network.ts';
import { convolveAndPool, dense, kernel, softmax, step } from './network.ts';

const seed = 1;
const epochs = 30;
const batchSize = 32;
const rateFirst = 2e-3;
const channels = [8, 24] as const;
const features = channels[1] * 4 * 4;
const hidden = 64;

function newNetwork(rng: Rng): readonly Layer[] {
  return [
    convolveAndPool(rng, { channelsIn: 1, channelsOut: channels[0], side }),
    convolveAndPool(rng, { channelsIn: channels[0], channelsOut: channels[1], side: 12 }),
    dense(rng, features, hidden, true),
    dense(rng, hidden, 10, false),
  ];
}

const forward = (network: readonly Layer[], image: Float32Array): Float32Array =>
  network.reduce((value, layer) => layer.forward(value), image);

/** A new view of a digit: turned up to 9°, scaled by up to 10 %, moved by up to 1.5 pixels, sampled bilinearly. */
function vary(rng: Rng, image: Float32Array, target: Float32Array): Float32Array {
  const between = (low: number, high: number) => low + rng.next() * (high - low);
  const angle = between(-0.15, 0.15);
  const scaleX = between(0.9, 1.1);
  const scaleY = between(0.9, 1.1);
  const moveX = between(-1.5, 1.5);
  const moveY = between(-1.5, 1.5);
  const centre = (side - 1) / 2;
  const at = (x: number, y: number) => (x < 0 || y < 0 || x >= side || y >= side ? 0 : (image[y * side + x] as number));
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) {
      const offsetX = (x - centre - moveX) / scaleX;
      const offsetY = (y - centre - moveY) / scaleY;
      const fromX = centre + offsetX * Math.cos(angle) + offsetY * Math.sin(angle);
      const fromY = centre - offsetX * Math.sin(angle) + offsetY * Math.cos(angle);
      const left = Math.floor(fromX);
      const top = Math.floor(fromY);
      const right = fromX - left;
      const down = fromY - top;
      target[y * side + x] =
        (1 - down) * ((1 - right) * at(left, top) + right * at(left + 1, top)) +
        down * ((1 - right) * at(left, top + 1) + right * at(left + 1, top + 1));
    }
  }
  return target;
}

function train(network: readonly Layer[], digits: readonly Digit[], rng: Rng): void {
  const parameters = network.flatMap((layer) => layer.parameters);
  const order = [...digits];
  const view = new Float32Array(pixels);
  const stepsAll = epochs * Math.floor(order.length / batchSize);
  let steps = 0;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    shuffle(rng, order);
    let loss = 0;
    for (let start = 0; start + batchSize <= order.length; start += batchSize) {
      for (const { image, label } of order.slice(start, start + batchSize)) {
        const scores = softmax(forward(network, vary(rng, image, view)));
        loss -= Math.log(Math.max(scores[label] as number, 1e-9));
        // The gradient of cross-entropy after softmax.
        scores[label] = (scores[label] as number) - 1;
        network.reduceRight((gradient, layer) => layer.backward(gradient), scores);
      }
      steps++;
      const rate = (rateFirst * (1 + Math.cos((Math.PI * steps) / stepsAll))) / 2;
      step(parameters, rate, batchSize, steps);
    }
    console.log(`epoch ${epoch} of ${epochs}: mean loss ${(loss / order.length).toFixed(4)} on varied training digits`);
  }
}

function accuracy(network: readonly Layer[], digits: readonly Digit[]): number {
  const right = digits.filter(({ image, label }) => {
    const scores = forward(network, image);
    return scores.indexOf(Math.max(...scores)) === label;
  });
  return right.length / digits.length;
}

function toOnnx(network: readonly Layer[], heldOutAccuracy: number): Uint8Array {
  const graph = buildGraph('digits');
  const shapes = [
    [channels[0], 1, kernel, kernel],
    [channels[1], channels[0], kernel, kernel],
    [hidden, features],
    [10, hidden],
  ];
  const weights = network.map((layer, index) =>
    layer.parameters.map(({ values }, which) =>
      graph.constant('FLOAT', which === 0 ? (shapes[index] ?? []) : [values.length], values),
    ),
  );
  const window = { kernel_shape: ints(2, 2), strides: ints(2, 2) };
  let value = graph.input('image', 'FLOAT', ['batch', 1, side, side]);
  for (const layer of weights.slice(0, 2)) {
    value = graph.node('Conv', [value, ...layer], { attributes: { kernel_shape: ints(kernel, kernel) } });
    value = graph.node('Relu', [graph.node('MaxPool', [value], { attributes: window })]);
  }
  value = graph.node('Flatten', [value], { attributes: { axis: int(1) } });
  value = graph.node('Relu', [graph.node('Gemm', [value, ...(weights[2] ?? [])], { attributes: { transB: int(1) } })]);
  value = graph.node('Gemm', [value, ...(weights[3] ?? [])], { attributes: { transB: int(1) } });
  graph.node('Softmax', [value], { attributes: { axis: int(1) }, outputs: ['scores'] });
  graph.output('scores', 'FLOAT', ['batch', 10]);
  return graph.encode({ metadata: { trainedOn: 'mnist', heldOutAccuracy: heldOutAccuracy.toFixed(4) } });
}

const { training, heldOut } = loadDigits();
const rng = seededRng(seed);
const network = newNetwork(rng);
const startedAt = performance.now();
train(network, training, rng);
console.log(`trained on ${training.length} digits in ${Math.round((performance.now() - startedAt) / 1000)} s`);
const heldOutAccuracy = accuracy(network, heldOut);
console.log(`accuracy on ${heldOut.length} digits that were held out: ${(heldOutAccuracy * 100).toFixed(2)} %`);
const file = toOnnx(network, heldOutAccuracy);
writeFileSync(new URL('../1/model.onnx', import.meta.url), file);
console.log(`wrote 1/model.onnx, ${file.byteLength} bytes`);
