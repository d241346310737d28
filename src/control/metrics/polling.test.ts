/** Figures from outside under virtual time: asked at their pace, one question at a time, never on the way of a decision. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricSettings } from '../../config/metrics-specification.ts';
import { deploymentSpecification } from '../../config/specification.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import type { Deployment } from '../deployments.ts';
import { openMetricPolling } from './polling.ts';
import type { PrometheusAnswer } from './prometheus-query.ts';

const settings = { url: 'http://a', query: 'sum(jobs)', intervalMs: 10_000, perReplica: 5 };

function world(metrics: Record<string, unknown> = { jobs: settings }) {
  const clock = createVirtualClock();
  const specification = deploymentSpecification.parse({ model: 'm', scaling: { policy: 'hpa', metrics } });
  const deployment = {
    name: 'd',
    record: { specification },
    removing: false,
    wakefulness: { kind: 'awake' },
  } as unknown as Deployment;
  const questions: { readonly url: string; readonly settle: (answer: PrometheusAnswer) => Promise<void> }[] = [];
  const polling = openMetricPolling({
    deployments: () => [deployment],
    clock,
    ask: ({ url }) => {
      const { promise, resolve } = Promise.withResolvers<PrometheusAnswer>();
      const settle = async (answer: PrometheusAnswer): Promise<void> => {
        resolve(answer);
        await new Promise((done) => setImmediate(done));
      };
      questions.push({ url, settle });
      return promise;
    },
  });
  polling.start();
  const change = (more: Partial<MetricSettings>): void => {
    const { scaling } = deployment.record.specification;
    const [[name, before] = ['jobs', undefined]] = Object.entries(scaling.metrics ?? {});
    Object.assign(scaling, { metrics: { [name]: { ...before, ...more } } });
  };
  const jobs = () => polling.signals(deployment)['jobs'];
  return { clock, deployment, polling, questions, change, jobs };
}

test('a figure is asked for at its pace, and grows stale and absent while no answer comes', async () => {
  const { clock, polling, deployment, questions, jobs } = world();
  assert.equal(jobs()?.kind, 'absent');
  await questions[0]?.settle({ kind: 'value', value: 35 });
  assert.deepEqual(jobs(), { kind: 'fresh', value: 35, ageMs: 0 });
  clock.pass(9000);
  assert.equal(questions.length, 1);
  clock.pass(1500);
  assert.equal(questions.length, 2);
  // The second is never answered: it is not asked a third time beside it.
  clock.pass(25_000);
  assert.equal(questions.length, 2);
  assert.deepEqual([jobs()?.kind, jobs()?.value], ['stale', 35]);
  clock.pass(300_000);
  assert.equal(jobs()?.kind, 'absent');
  await questions[1]?.settle({ kind: 'failed', reason: 'it answered 500' });
  assert.deepEqual(polling.failures(deployment), { jobs: 'http://a: it answered 500' });
  clock.pass(300);
  await questions[2]?.settle({ kind: 'value', value: 12 });
  assert.deepEqual([jobs()?.kind, jobs()?.value, polling.failures(deployment)], ['fresh', 12, {}]);
});

test('what was answered to another question is not believed', async () => {
  const { clock, questions, jobs, change } = world();
  change({ query: 'sum(other)' });
  await questions[0]?.settle({ kind: 'value', value: 35 });
  assert.equal(jobs()?.kind, 'absent');
  clock.pass(250);
  await questions[1]?.settle({ kind: 'value', value: 7 });
  assert.equal(jobs()?.value, 7);
});

test('two that see the same are both asked, and one that is down is done without', async () => {
  const { clock, questions, jobs, polling, deployment } = world({
    jobs: { ...settings, url: ['http://a', 'http://b'] },
  });
  assert.deepEqual(
    questions.map(({ url }) => url),
    ['http://a', 'http://b'],
  );
  await questions[0]?.settle({ kind: 'failed', reason: 'no answer within 5000 ms' });
  await questions[1]?.settle({ kind: 'value', value: 40 });
  assert.deepEqual([jobs()?.kind, jobs()?.value], ['fresh', 40]);
  assert.deepEqual(polling.failures(deployment), { jobs: 'http://a: no answer within 5000 ms' });
  clock.pass(10_250);
  await questions[2]?.settle({ kind: 'value', value: 4 });
  await questions[3]?.settle({ kind: 'value', value: 40 });
  assert.deepEqual([jobs()?.kind, jobs()?.value], ['contradictory', 40]);
});

test('who sleeps or is gone is not asked about, and no more questions are open than there may be', async () => {
  const { clock, deployment, questions } = world();
  await questions[0]?.settle({ kind: 'value', value: 1 });
  deployment.wakefulness = { kind: 'asleep' } as Deployment['wakefulness'];
  clock.pass(60_000);
  assert.equal(questions.length, 1);
  const many = Object.fromEntries(
    Array.from({ length: 10 }, (_, index) => [`m${index}`, { ...settings, url: ['http://a', 'http://b'] }]),
  );
  assert.equal(world(many).questions.length, 16);
});
