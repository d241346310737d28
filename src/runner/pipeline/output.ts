/** Output tensor → what a person reads, one answer a row: the best labels, or a line of text. Pure. */
import type { OutputStage } from '../../config/model-file.ts';
import { FlyballError } from '../../errors.ts';
import { elementCount, type Tensor } from '../../protocol/tensor.ts';

export interface ScoredLabel {
  readonly label: string;
  readonly index: number;
  readonly score: number;
}

export interface ReadText {
  readonly text: string;
  /** Mean over the characters; 0 for an empty text. */
  readonly score: number;
}

/** The stage with its labels read. */
export type ReadableStage = OutputStage & { readonly labels?: readonly string[] | undefined };

type Floats = Float32Array | Float64Array | Float16Array;

export function makeReadable(stage: ReadableStage, output: Tensor): readonly unknown[] {
  const values = floatsOf(output);
  const rows = output.shape[0] ?? 1;
  const size = rows === 0 ? 0 : values.length / rows;
  const read = (row: Floats): unknown => {
    if (stage.kind === 'ctc') return readCtc(row, output.shape.at(-1) ?? 1, stage.labels ?? []);
    const best = classify(stage.softmax ? softmax(row) : row, stage.topK, stage.labels);
    return stage.as === 'map' ? Object.fromEntries(best.map(({ label, score }) => [label, score])) : best;
  };
  return Array.from({ length: rows }, (_, row) => read(values.subarray(row * size, (row + 1) * size)));
}

function floatsOf({ name, datatype, shape, bytes }: Tensor): Floats {
  const count = elementCount(shape);
  const width = { FP16: 2, FP32: 4, FP64: 8 }[datatype as string];
  if (width === undefined) {
    throw new FlyballError('INFERENCE_FAILED', `the output stage reads FP16, FP32 or FP64, but ${name} is ${datatype}`);
  }
  const { buffer, byteOffset } = bytes.byteOffset % width === 0 ? bytes : new Uint8Array(bytes);
  if (datatype === 'FP16') return new Float16Array(buffer as ArrayBuffer, byteOffset, count);
  if (datatype === 'FP32') return new Float32Array(buffer as ArrayBuffer, byteOffset, count);
  return new Float64Array(buffer as ArrayBuffer, byteOffset, count);
}

export function softmax(logits: Floats): Float64Array {
  let max = -Infinity;
  for (const logit of logits) if (logit > max) max = logit;
  const scores = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  let sum = 0;
  for (const score of scores) sum += score;
  return scores.map((score) => score / sum);
}

/** The k largest, the largest first; of equals the first index. */
export function classify(scores: Floats, k: number, labels: readonly string[] | undefined): readonly ScoredLabel[] {
  const best: { index: number; score: number }[] = [];
  for (let index = 0; index < scores.length; index += 1) {
    const score = scores[index] ?? 0;
    if (best.length === k && !(score > (best[k - 1]?.score ?? Infinity))) continue;
    let at = best.length;
    while (at > 0 && score > (best[at - 1]?.score ?? Infinity)) at -= 1;
    best.splice(at, 0, { index, score });
    if (best.length > k) best.pop();
  }
  return best.map(({ index, score }) => ({ label: labels?.[index] ?? String(index), index, score }));
}

/**
 * Greedy decoding of connectionist temporal classification: the best class at each step, repeats joined, blanks (class
 * 0) left out. Class i is `labels[i - 1]`; the class after the last label is a space, as PaddleOCR's models have it.
 */
export function readCtc(scores: Floats, classes: number, labels: readonly string[]): ReadText {
  let text = '';
  let sum = 0;
  let read = 0;
  let before = 0;
  for (let start = 0; start + classes <= scores.length; start += classes) {
    let best = 0;
    let bestScore = scores[start] ?? 0;
    for (let index = 1; index < classes; index += 1) {
      const score = scores[start + index] as number;
      if (score > bestScore) {
        best = index;
        bestScore = score;
      }
    }
    if (best !== 0 && best !== before) {
      text += labels[best - 1] ?? (best - 1 === labels.length ? ' ' : '�');
      sum += bestScore;
      read += 1;
    }
    before = best;
  }
  return { text, score: read === 0 ? 0 : sum / read };
}
