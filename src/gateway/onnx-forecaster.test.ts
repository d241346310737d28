/**
 * The suite of all forecasters on a real model: a linear autoregression in ONNX, asked as the gateway asks, with its
 * answers heard as control hears them. What the wire between the two adds is in test/e2e/forecaster.test.ts.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { answered, servedForecaster } from '../core/forecasting/served.ts';
import { loadOnnx } from '../drivers/runtimes/onnx.ts';
import { buildGraph } from '../onnx/writer.ts';
import type { InferenceRequest, InferenceService } from '../protocol/inference.ts';
import { forecasterConformance } from '../testing/conformance/forecaster.ts';
import { answerTo } from './questions.ts';

const [history, steps] = [4, 12];
const folder = mkdtempSync(join(tmpdir(), 'flyball-forecaster-'));
const path = join(folder, 'linear.onnx');

/** The last value and a damped part of the slope over the last four. */
function linear(): Uint8Array {
  const weights = new Float32Array(history * steps);
  for (let step = 0; step < steps; step += 1) {
    const along = 0.3 * (1 - 0.8 ** (step + 1));
    weights[step] = -along;
    weights[(history - 1) * steps + step] = 1 + along;
  }
  const graph = buildGraph('linear');
  const input = graph.input('history', 'FLOAT', ['batch', history]);
  graph.node('MatMul', [input, graph.constant('FLOAT', [history, steps], weights)], { outputs: ['forecast'] });
  graph.output('forecast', 'FLOAT', ['batch', steps]);
  return graph.encode();
}

writeFileSync(path, linear());
const model = await loadOnnx(
  { path, threads: 1, spinning: false, graphOptimisation: 'all', memoryArena: true },
  new AbortController().signal,
);
after(async () => {
  await model[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const service = {
  metadata: () => ({ signature: model.signature }),
  async infer({ payload }: InferenceRequest) {
    assert.ok(payload.kind === 'tensors');
    return model.run(payload.inputs);
  },
} as unknown as InferenceService;

const open = async () => {
  const forecaster = servedForecaster('linear');
  const seen: (number | null)[] = [];
  let state = forecaster.start();
  return {
    async pass(value: number) {
      seen.push(Number.isNaN(value) ? null : value);
      state = forecaster.observe(state, value);
      const { values } = await answerTo(service, {
        kind: 'question',
        id: 1,
        model: 'm',
        values: seen,
        deadlineMs: 5000,
      });
      if (values !== undefined) state = answered(values.map((rate) => rate ?? Number.NaN));
    },
    forecast: (ahead: number) => forecaster.forecast(state, ahead),
    state: () => state,
  };
};

forecasterConformance('an ONNX model, asked as the gateway asks', open);

test('what it says is what its weights say: on a ramp of 3 a step, the last value and a part of 9', async () => {
  const subject = await open();
  for (const value of [10, 13, 16, 19]) await subject.pass(value);
  for (const ahead of [1, 6, 12])
    assert.ok(Math.abs(subject.forecast(ahead) - (19 + 9 * 0.3 * (1 - 0.8 ** ahead))) < 1e-4);
  assert.equal(subject.forecast(13), Number.NaN);
});
