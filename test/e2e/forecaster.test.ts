/**
 * A model of the registry as a forecaster, with real processes: it is asked through the gateway, what it says is shown
 * with its record, and one that is too slow or takes something else says nothing, and says why.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { WhyView } from '../../src/api/schemas.ts';
import { buildGraph } from '../../src/onnx/writer.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const steps = 72;

/** A linear autoregression of two steps of history: the line through them, damped, for each of the steps to come. */
function linear(): Uint8Array {
  const weights = new Float32Array(2 * steps);
  for (let step = 0; step < steps; step += 1) {
    const along = 0.1 * (1 - 0.9 ** (step + 1));
    weights[step] = -along;
    weights[steps + step] = 1 + along;
  }
  const graph = buildGraph('linear');
  const history = graph.input('history', 'FLOAT', ['batch', 2]);
  graph.node('MatMul', [history, graph.constant('FLOAT', [2, steps], weights)], { outputs: ['forecast'] });
  graph.output('forecast', 'FLOAT', ['batch', steps]);
  return graph.encode();
}

/** A policy network of the smallest kind: it looks at nothing, and sets 95 %. The last eight numbers are the fleet. */
function constant(): Uint8Array {
  const graph = buildGraph('constant');
  const row = graph.input('row', 'FLOAT', ['batch', 10]);
  const nothing = graph.node('MatMul', [row, graph.constant('FLOAT', [10, 1], new Float32Array(10))]);
  const bias = graph.constant('FLOAT', [1], Float32Array.of(Math.log(0.95 / 0.05)));
  graph.node('Sigmoid', [graph.node('Add', [nothing, bias])], { outputs: ['quantile'] });
  graph.output('quantile', 'FLOAT', ['batch', 1]);
  return graph.encode();
}

const simulated = (serviceMs: number, inputs: string): string => `
platform: simulated
simulated:
  inputs: ${inputs}
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: ${serviceMs}
`;
const row = '[{ name: x, datatype: FP32, shape: [-1, 1] }]';

test('models that are served forecast by the same record as all, and set headroom; late or of another shape they say nothing, and why', async () => {
  const served = { replicas: { min: 1, max: 3 }, batching: { sizeMax: 1 } };
  const governed = (forecaster: string) => ({ ...served, model: 'work', scaling: { forecaster } });
  await using platform = await startPlatform({
    models: {
      'linear/1/model.onnx': linear(),
      'constant/1/model.onnx': constant(),
      'work/1/model.yaml': simulated(5, row),
      'work/model.yaml': simulated(5, row),
      'late/1/model.yaml': simulated(4000, row),
      'late/model.yaml': simulated(4000, row),
      'pair/1/model.yaml': simulated(5, '[{ name: a, datatype: INT64, shape: [-1, 3] }]'),
      'pair/model.yaml': simulated(5, '[{ name: a, datatype: INT64, shape: [-1, 3] }]'),
    },
    specification: {
      models: Object.fromEntries(
        ['linear', 'constant', 'work', 'late', 'pair'].map((name) => [name, { path: `./models/${name}` }]),
      ),
      deployments: {
        'by-linear': {
          ...served,
          model: 'work',
          scaling: { forecaster: 'linear', policy: 'learned', setPoint: 'constant' },
        },
        'by-late': governed('late'),
        'by-pair': governed('pair'),
        linear: { model: 'linear' },
        constant: { model: 'constant' },
        late: { model: 'late' },
        pair: { model: 'pair' },
      },
    },
  });
  await platform.serving();
  const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
  await using traffic = startLoad({
    url: `${platform.http}/v2/models/by-linear/infer`,
    method: 'POST',
    body,
    callers: 2,
    thinkMs: 0,
  });
  const said = (name: string, check: (own: ForecasterView, view: WhyView) => boolean) =>
    until(
      `what the forecaster of ${name} says`,
      async () => {
        const { stdout } = await runCli(['why', name, '-o', 'json'], { FLYBALL_URL: platform.control });
        const view = JSON.parse(stdout) as WhyView;
        const own = view.forecasts?.horizons[0]?.forecasters.find((one) => one.name.startsWith('model '));
        return own !== undefined && check(own, view) ? { own, view } : undefined;
      },
      60_000,
    );

  const { own, view } = await said('by-linear', ({ perSecond }) => (perSecond ?? 0) > 0);
  assert.equal(own.name, 'model linear');
  assert.match(own.why, /^\d+ of 30 independent comparisons$/);
  // Two callers in a closed loop: the line through two steps leads nowhere far.
  const now = view.forecasts?.now ?? 0;
  assert.ok(Math.abs((own.perSecond ?? 0) - now) < now, `${own.perSecond} against ${now}`);

  const set = await said('by-linear', (_own, { setPoint }) => setPoint?.quantile != null);
  assert.ok(Math.abs((set.view.setPoint?.quantile ?? 0) - 0.95) < 1e-6);

  const late = await said('by-late', ({ why }) => why.includes('says nothing: '));
  assert.equal(late.own.perSecond, null);
  const pair = await said('by-pair', ({ why }) => why.includes('says nothing: '));
  assert.match(pair.own.why, /expected one input FP32 \[1, n\] or \[-1, n\], got a INT64 \[-1, 3\]/);
  const { stdout } = await runCli(['why', 'by-linear'], { FLYBALL_URL: platform.control });
  assert.match(stdout, /forecast .*"model linear" .* req\/s/);
  assert.deepEqual((await traffic.stop()).failures, []);
});

type ForecasterView = NonNullable<WhyView['forecasts']>['horizons'][number]['forecasters'][number];
