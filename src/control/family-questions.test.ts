/** What gateways of other machines have counted, as control gets it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FamiliesQuestion } from '../gateway/routing-table.ts';
import type { MetricFamily } from '../telemetry/metrics.ts';
import { mergeFamilies } from '../telemetry/registry.ts';
import { ofGateway, openFamilyQuestions } from './family-questions.ts';

const counted = (value: number): MetricFamily => ({
  name: 'flyball_requests_total',
  help: 'Requests.',
  type: 'counter',
  samples: [{ labels: { deployment: 'd' }, value }],
});
const held = (value: number): MetricFamily => ({
  name: 'flyball_queue_length',
  help: 'Requests that wait.',
  type: 'gauge',
  samples: [{ labels: { deployment: 'd', worker: '0' }, value }],
});

test('each is asked, by its name, and one that is silent or gone is left out and counted', async () => {
  const sent: [object, FamiliesQuestion][] = [];
  const [near, far, gone] = [{}, {}, {}];
  const questions = openFamilyQuestions<object>((to, question) => void sent.push([to, question]));
  const asked = questions.ask(
    new Map([
      [near, 'near/0'],
      [far, 'far/0'],
      [gone, 'gone/0'],
    ]),
  );
  assert.deepEqual(
    sent.map(([to]) => to),
    [near, far, gone],
  );
  const id = sent[0]?.[1].id ?? -1;
  questions.gone(gone);
  questions.answered(far, { kind: 'families', id, families: [counted(3)] });
  const found = await asked;
  assert.deepEqual(found, [{ source: 'gateway far/0', families: [counted(3)] }]);
  assert.equal(questions.missed(), 2);
  questions.answered(near, { kind: 'families', id, families: [counted(3)] });
  assert.deepEqual(await questions.ask(new Map()), []);
  assert.equal(questions.missed(), 2);
});

test('what is counted adds up over machines, and what belongs to one process stays apart', () => {
  const value = fc.nat();
  fc.assert(
    fc.property(fc.array(fc.tuple(value, value), { minLength: 1, maxLength: 9 }), (nodes) => {
      const parts = nodes.map(([requests, waiting], index) =>
        ofGateway(`node-${index}/0`, [counted(requests), held(waiting)]),
      );
      const [requests, waiting] = mergeFamilies(parts.map(({ families }) => families));
      assert.deepEqual(requests?.samples, counted(nodes.reduce((sum, [each]) => sum + each, 0)).samples);
      assert.deepEqual(
        waiting?.samples.map((sample) => [sample.labels['worker'], 'value' in sample && sample.value]),
        nodes.map(([, each], index) => [`node-${index}/0`, each]),
      );
    }),
  );
});
