/** What forecasts do to the rehearsing policy: nothing while nobody is to be believed, and less cost where one is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { makePolicy } from './list.ts';
import { foresee, openSeer } from '../foresee.ts';
import { forecastFallback, forecastSignal } from '../slo/load-signals.ts';
import { multipliers } from '../slo/ways.ts';
import type { SloState } from '../slo/state.ts';
import { fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';
import { seededRandom } from '../../../load/arrivals.ts';
import type { Foresight } from '../../forecasting/outlook.ts';
import type { Observation } from '../observation.ts';
import type { Policy } from '../policy.ts';

const slo = (): Policy<SloState> => {
  const made = makePolicy('slo');
  assert.ok(made.kind === 'made');
  return made.policy as Policy<SloState>;
};
const lagOf = (seconds: number) => ({ detect: 0, decide: 0, start: seconds * 1000, load: 0, warm: 0, serve: 0 });

/** A fluid fleet at 100 ms a request, orders that serve a lag later; loads are requests a second. */
function play(
  seconds: number,
  lag: number,
  load: (second: number) => number,
  tell: (seen: Observation) => Foresight | undefined,
): { targets: number[]; cost: number; late: number; state: SloState; foreseen: number } {
  const policy = slo();
  const base = { lag: lagOf(lag) };
  let target = Math.ceil(load(0) / 7);
  let state = policy.start(observe({ ...base, fleet: { target } }), 0);
  const targets: number[] = [];
  let [queue, late, offered, cost, foreseen] = [0, 0, 0, 0, 0];
  for (let second = 1; second <= seconds; second += 1) {
    const came = load(second - 1);
    // What has been wanted for a whole lag is ready; what is no longer wanted is gone at once.
    const ready = Math.min(target, ...targets.slice(-lag - 1));
    queue = Math.max(0, queue + came / 10 - ready);
    const isLate = queue > 0.4 * ready;
    queue = Math.min(queue, 0.9 * ready);
    if (isLate) late += came;
    offered += came;
    const told = observe({
      ...base,
      fleet: { target, ready },
      signals: { arrivals: fresh(came), late: fresh(isLate ? came : 0), queued: fresh(queue * 10) },
    });
    const foresight = tell(told);
    if (foresight !== undefined) foreseen += 1;
    const step = policy.step(state, { ...told, foresight }, second * 1000);
    state = step.state;
    target = step.proposal.target;
    targets.push(target);
    cost += target;
  }
  return { targets, cost: cost / seconds, late: late / offered, state, foreseen };
}

const blind = (): undefined => undefined;
function seeing(): (seen: Observation) => Foresight | undefined {
  let seer: ReturnType<typeof openSeer> | undefined;
  return (seen) => foresee((seer ??= openSeer(seen)), seen);
}

test('on noise it decides the same, target by target, as without any forecaster', () => {
  for (const [seed, lag] of [
    [1, 1],
    [2, 10],
    [3, 60],
  ] as const) {
    const loads = (): ((second: number) => number) => {
      const random = seededRandom(seed);
      return () => 60 + 60 * random();
    };
    const [with_, without] = [play(2 * 3600, lag, loads(), seeing()), play(2 * 3600, lag, loads(), blind)];
    assert.equal(with_.foreseen, 0);
    assert.deepEqual(with_.targets, without.targets);
  }
});

test('until somebody has earned authority, whatever the load, it decides the same as without', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 300 }), { minLength: 5, maxLength: 40 }),
      fc.constantFrom(1, 10, 60),
      (levels, lag) => {
        const load = (second: number): number => levels[Math.floor(second / 20) % levels.length] as number;
        const [with_, without] = [play(900, lag, load, seeing()), play(900, lag, load, blind)];
        if (with_.foreseen === 0) assert.deepEqual(with_.targets, without.targets);
      },
    ),
    { numRuns: 20 },
  );
});

test('on a load that comes round, faster than a window can follow, it holds less and is late with no more', () => {
  const loads = (): ((second: number) => number) => {
    const random = seededRandom(1);
    return (second) => 100 + 80 * Math.sin((2 * Math.PI * second) / 300) + 20 * (random() - 0.5);
  };
  const hours = 12;
  const [with_, without] = [play(hours * 3600, 20, loads(), seeing()), play(hours * 3600, 20, loads(), blind)];
  assert.ok(with_.foreseen > 0.5 * hours * 3600);
  assert.ok(with_.cost < 0.97 * without.cost, `${with_.cost} against ${without.cost}`);
  assert.ok(with_.late <= without.late + 0.002, `${with_.late} against ${without.late}`);
});

test('when nobody is believed any more, what was chosen for the forecast has to be earned anew', () => {
  const load = (second: number): number => (second % 1200 < 300 ? 300 : 60);
  const lag = 60;
  /** Knows what comes, for a time. */
  const knowing =
    (until: number) =>
    (seen: Observation): Foresight | undefined => {
      second += 1;
      const perSecond = load(second + lag);
      return second > until ? undefined : { seconds: lag, perSecond, authority: 1, by: `one who knows of ${seen.max}` };
    };
  let second = 0;
  const told = play(6 * 3600, lag, load, knowing(6 * 3600));
  const { all, chosen } = told.state.rehearsal;
  const ways = all.holds.length * multipliers.length;
  assert.equal(Math.floor(chosen / ways), forecastSignal, 'who knows is followed');
  second = 0;
  const lost = play(6 * 3600 + 30, lag, load, knowing(6 * 3600)).state.rehearsal;
  assert.notEqual(Math.floor(lost.chosen / ways), forecastSignal);
  for (const records of [lost.all.late, lost.all.cost, lost.all.queues, lost.all.targets]) {
    const of = (signal: number): number[] => [...records.subarray(signal * ways, (signal + 1) * ways)];
    assert.deepEqual(of(forecastSignal), of(forecastFallback));
  }
});
