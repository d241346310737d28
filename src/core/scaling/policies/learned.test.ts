/** The learned set-point as a policy: in the shadow it is its rule, it comes to decide where it is better, and loses that. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makePolicy } from './list.ts';
import type { LearnedState } from './learned.ts';
import { inCharge } from '../learned/learner.ts';
import { absent, fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';
import { seededRandom } from '../../../load/arrivals.ts';
import type { SetPoint } from '../observation.ts';
import type { Policy, Proposal } from '../policy.ts';

function policyOf(name: string): Policy {
  const made = makePolicy(name);
  assert.ok(made.kind === 'made');
  return made.policy;
}
const lagOf = (seconds: number) => ({ detect: 0, decide: 0, start: seconds * 1000, load: 0, warm: 0, serve: 0 });

interface Play {
  readonly targets: readonly number[];
  readonly last: Proposal;
  /** Mean units of the last quarter. */
  readonly cost: number;
  readonly late: number;
  readonly state: unknown;
}

/** A fluid fleet at 100 ms a request, orders that serve a lag later; loads are requests a second, undefined: not seen. */
function play(
  name: string,
  seconds: number,
  lag: number,
  load: (second: number) => number | undefined,
  more: { readonly before?: unknown; readonly from?: number; readonly setPoint?: SetPoint } = {},
): Play {
  const { before, from = 0, setPoint } = more;
  const policy = policyOf(name);
  let target = Math.ceil((load(from) ?? 0) / 7);
  let state = before ?? policy.start(observe({ lag: lagOf(lag), fleet: { target } }), from * 1000);
  const targets: number[] = [];
  let [queue, late, offered, cost] = [0, 0, 0, 0];
  let last: Proposal | undefined;
  for (let second = from + 1; second <= from + seconds; second += 1) {
    const came = load(second - 1);
    const ready = Math.min(target, ...targets.slice(-lag - 1));
    queue = Math.max(0, queue + (came ?? 0) / 10 - ready);
    const isLate = queue > 0.4 * ready;
    queue = Math.min(queue, 0.9 * ready);
    if (isLate) late += came ?? 0;
    offered += came ?? 0;
    const seen = observe({
      lag: lagOf(lag),
      fleet: { target, ready },
      setPoint,
      signals: {
        arrivals: came === undefined ? absent : fresh(came),
        late: fresh(isLate ? (came ?? 0) : 0),
        queued: fresh(queue * 10),
      },
    });
    const step = policy.step(state, seen, second * 1000);
    ({ state } = step);
    last = step.proposal;
    target = last.target;
    targets.push(target);
    if (second > from + 0.75 * seconds) cost += target;
  }
  assert.ok(last !== undefined);
  return { targets, last, cost: cost / (0.25 * seconds), late: late / offered, state };
}

/** Bursts at any time, of a size that is always the same: a quantile of growth knows it, a window only what was. */
function bursts(seed: number): (second: number) => number {
  const random = seededRandom(seed);
  const noise = Array.from({ length: 4096 }, () => 4 * (random() - 0.5));
  return (second) => (second % 3600 < 600 ? 300 : 60) + (noise[second % 4096] as number);
}

const learnerOf = (state: unknown) => {
  const { learner } = state as LearnedState;
  assert.ok(learner !== undefined);
  return learner;
};

test('without authority it decides as the rule that it would replace, target by target, and says what it would hold', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 5, maxLength: 40 }),
      fc.constantFrom(1, 10, 60),
      (levels, lag) => {
        const load = (second: number): number => levels[Math.floor(second / 20) % levels.length] as number;
        const [learned, slo] = [play('learned', 1500, lag, load), play('slo', 1500, lag, load)];
        assert.deepEqual(learned.targets, slo.targets);
        assert.ok(learned.last.reason().startsWith(slo.last.reason()));
      },
    ),
    { numRuns: 15 },
  );
  const { last } = play('learned', 1800, 10, () => 100);
  assert.match(
    last.reason(),
    /; the learned headroom \(\d[\d.]* % of growth while steady, near the peak of an hour, × 1\.\d\d of 10\.0\) would hold \d+ and is not in charge: in \d+ periods of the 60 it takes /,
  );
});

const hours = 20;
const led = play('learned', hours * 3600, 10, bursts(1));

test('where a quantile of growth is the better rule it comes to decide: it costs less and is late with no more', () => {
  const rule = play('slo', hours * 3600, 10, bursts(1));
  assert.equal(inCharge(learnerOf(led.state)), 'bandit');
  assert.ok(led.cost < 0.97 * rule.cost, `${led.cost} against ${rule.cost}`);
  assert.ok(led.late <= Math.max(0.01, rule.late), `${led.late} against ${rule.late}`);
  assert.match(
    led.last.reason(),
    /^\d+ by the learned headroom: .*, in charge: in \d+ periods .* better than the rule/,
  );
  assert.match(led.last.reason(), /; the rule it replaces says \d+ by /);
});

test('its state is plain data: from a copy it goes on the same', () => {
  const [one, other] = [structuredClone(led.state), structuredClone(led.state)];
  const on = { from: hours * 3600 };
  const again = play('learned', 600, 10, bursts(1), { before: one, ...on });
  assert.deepEqual(play('learned', 600, 10, bursts(1), { before: other, ...on }).targets, again.targets);
});

test('in charge, with its input in doubt, it lowers nothing, and a queue that is there is met as by the rule', () => {
  const before = structuredClone(led.state);
  const { targets, last } = play('learned', 120, 10, () => undefined, { before, from: hours * 3600 });
  assert.ok(targets.every((target, index) => index === 0 || target >= (targets[index - 1] as number)));
  assert.match(last.doubt ?? '', /the load is not known/);
});

test('in charge it stays within its bounds, however tight', () => {
  const policy = policyOf('learned');
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 20 }), (min, more) => {
      let state: unknown = structuredClone(led.state);
      let target = min;
      for (let second = hours * 3600 + 1; second < hours * 3600 + 30; second += 1) {
        const signals = { arrivals: fresh(bursts(1)(second)) };
        const seen = observe({ min, max: min + more, lag: lagOf(10), fleet: { target }, signals });
        const step = policy.step(state, seen, second * 1000);
        ({ state } = step);
        ({ target } = step.proposal);
        assert.ok(target >= min && target <= min + more, `${target} of ${min} to ${min + more}`);
      }
    }),
    { numRuns: 10 },
  );
});

test('a load that is another takes authority away, and the rule decides again', () => {
  const before = structuredClone(led.state);
  // Bursts of thirty seconds without any period, each another size: no quantile of what was helps with these.
  const random = seededRandom(9);
  const sizes = Array.from({ length: 400 }, () => 60 + 900 * random() ** 3);
  const load = (second: number): number =>
    second % 97 < 30 ? (sizes[Math.floor(second / 97) % sizes.length] as number) : 30;
  const { state, last } = play('learned', 4 * 3600, 10, load, { before, from: hours * 3600 });
  assert.equal(inCharge(learnerOf(state)), undefined);
  assert.match(last.reason(), /is not in charge/);
});

test('at another lag everything is learned anew', () => {
  const before = structuredClone(led.state);
  const { state } = play('learned', 600, 60, bursts(1), { before, from: hours * 3600 });
  const learner = learnerOf(state);
  assert.equal(learner.lag, 60);
  assert.equal(inCharge(learner), undefined);
});

test('a model that sets the quantile earns its say by the same gate, and a silent one decides nothing', () => {
  const advised = play('learned', hours * 3600, 10, bursts(1), { setPoint: { quantile: 0.98, by: 'model m' } });
  assert.equal(inCharge(learnerOf(advised.state)), 'model');
  assert.match(advised.last.reason(), /^\d+ by the model that sets the headroom: 98 % of growth while/);
  const silent = play('learned', 20, 10, bursts(1), { before: advised.state, from: hours * 3600 });
  assert.notEqual(inCharge(learnerOf(silent.state)), 'model');
});

test('a model that sets too little is late with more than is tolerated, and never comes to decide', () => {
  const { state, targets } = play('learned', 6 * 3600, 10, bursts(1), { setPoint: { quantile: 0.05, by: 'model m' } });
  assert.notEqual(inCharge(learnerOf(state)), 'model');
  assert.equal(learnerOf(state).model.gate.earned, 0);
  assert.ok(targets.every((target) => target > 0));
});

test('from what is on record its rule begins as the rule by itself does', () => {
  const past = Array.from({ length: 1800 }, (_, second) => bursts(1)(second));
  const seen = observe({ lag: lagOf(10), fleet: { target: 8 }, signals: { arrivals: fresh(60) } });
  const [learned, slo] = [policyOf('learned'), policyOf('slo')].map((policy) => {
    const state = policy.start(seen, 0);
    assert.equal(policy.learn?.(state, seen, past), true);
    return policy.step(state, seen, 700_000).proposal;
  });
  assert.equal(learned?.target, slo?.target);
  assert.ok(learned?.reason().startsWith(slo?.reason() ?? '-'));
});
