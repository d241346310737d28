/** What policies keep over a restart: a layout that changes has another number, so that nobody goes on from what he misreads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { layoutPrint } from '../../../testing/layout.ts';
import { observe } from '../../../testing/observations.ts';
import { run } from '../policy.ts';
import { fresh } from '../signals.ts';
import { makePolicy, policies } from './list.ts';

/** By policy: the number of the layout, and its prints before the first step and after some minutes of a load. */
const known: Readonly<Record<string, string>> = {
  slo: '2: 948b253e 948b253e',
  learned: '2: 09861b6f 33f13347',
  thresholds: '1: caf88a02 caf88a02',
  hpa: '1: 036655b4 b4da04f0',
  kpa: '1: 3bdd7f19 76e71237',
  keda: '1: 412c5bd9 2a57280b',
  ray: '1: 58627ba7 58627ba7',
  'aws-target': '1: 2b8b50c1 ac9b405c',
  'aws-step': '1: 6bfab80c 6c7b011a',
  cron: '1: 2edd0085 2edd0085',
  fixed: '1: 74234e98 74234e98',
};

for (const { name, layout } of policies) {
  test(`${name}: what its state is made of is that of its layout's number`, () => {
    const made = makePolicy(name);
    assert.ok(made.kind === 'made');
    const running = run(made.policy, observe(), 0);
    const prints = [layoutPrint(running.state())];
    for (let second = 1; second <= 300; second += 1) {
      const load = second % 60 < 40 ? 20 : 200;
      const signals = {
        arrivals: fresh(load),
        inFlight: fresh(load / 10),
        cpu: fresh(load / 250),
        queued: fresh(load / 50),
      };
      running.step(observe({ signals }), second * 1000);
    }
    prints.push(layoutPrint(running.state()));
    const words = 'another layout: raise `layout` in its definition, and write number and prints here';
    assert.equal(`${layout}: ${prints.join(' ')}`, known[name], words);
  });
}
