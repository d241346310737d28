import assert from 'node:assert/strict';
import { test } from 'node:test';
import { makePolicy } from './list.ts';
import { recordsOf } from '../slo/reason.ts';
import { preload, type SloState } from '../slo/state.ts';
import { absent, fresh } from '../signals.ts';
import { observe } from '../../../testing/observations.ts';
import type { Observation } from '../observation.ts';
import type { Policy, Proposal } from '../policy.ts';

const lagOf = (seconds: number) => ({ detect: 0, decide: 0, start: seconds * 1000, load: 0, warm: 0, serve: 0 });

/** A fleet that follows at once, at 100 ms a request; loads are requests per second. */
function fleet(first: number, lag = 1, more: Partial<Observation> = {}, past: readonly number[] = []) {
  const made = makePolicy('slo');
  assert.ok(made.kind === 'made');
  const policy = made.policy as Policy<SloState>;
  const base = { lag: lagOf(lag), ...more };
  let state = policy.start(observe({ ...base, fleet: { target: first } }), 0);
  if (past.length > 0) assert.ok(preload(state, observe({ ...base, fleet: { target: first } }), past));
  let [target, second] = [first, 0];
  const go = (load: number | undefined, seconds: number, signals: Partial<Observation['signals']> = {}): Proposal => {
    let proposal: Proposal | undefined;
    for (const end = second + seconds; second < end;) {
      second += 1;
      const arrivals = load === undefined ? absent : fresh(load);
      const seen = observe({ ...base, fleet: { target }, signals: { arrivals, ...signals } });
      const step = policy.step(state, seen, second * 1000);
      state = step.state;
      proposal = step.proposal;
      target = proposal.target;
    }
    assert.ok(proposal !== undefined);
    return proposal;
  };
  return { go, state: () => state };
}

test('a steady load gets what it needs and little more, and the reason says what it was chosen from', () => {
  const { go } = fleet(4);
  const { target, reason } = go(100, 3600);
  assert.ok(target >= 11 && target <= 12, `${target}`);
  assert.match(reason(), /^1[12] by .* held for 20 s .* over 60 min it would have held .* of 160 ways/);
});

test('every way can be read with its record, and one of them is the chosen one', () => {
  const { go, state } = fleet(4, 10);
  go(100, 1800);
  const records = recordsOf(state().rehearsal);
  assert.equal(records.length, 320);
  assert.equal(records.filter(({ chosen }) => chosen).length, 1);
  assert.ok(records.every(({ units, violations }) => units > 0 && violations >= 0 && violations <= 1));
});

test('in its first minutes it does not go below what it started with', () => {
  const { go } = fleet(20);
  const { target, reason } = go(10, 100);
  assert.equal(target, 20);
  assert.match(reason(), /not below the 20 it started with for 20 s more/);
  assert.ok(go(10, 300).target < 5);
});

test('telemetry that dies lowers nothing and grows the fleet slowly; back again it lowers once that has lasted', () => {
  const { go } = fleet(12);
  const before = go(100, 1200).target;
  const blind = go(undefined, 600);
  assert.ok(blind.target > before && blind.target < 1.6 * before, `${blind.target}`);
  assert.match(
    blind.reason(),
    /the load is not known: nothing is lowered, and \d+ have become \d+ in 599 s to be safe/,
  );
  assert.ok(go(100, 900).target <= before + 1);
});

test('a queue that grows at a fast tier is met in one order', () => {
  const { go } = fleet(4);
  go(20, 1200);
  const { target, reason } = go(400, 2, { queued: fresh(300) });
  assert.ok(target >= 40, `${target}`);
  assert.match(reason(), /for a queue of 30\.0 replica-seconds/);
});

test('what was ordered for a queue is given back when it has come and nobody waits any more', () => {
  const { go } = fleet(4, 10);
  go(20, 1200);
  assert.match(go(400, 2, { queued: fresh(300) }).reason(), /for a queue of 30\.0 replica-seconds/);
  assert.match(go(20, 1, { queued: absent }).reason(), /for a queue/, 'a queue that nobody tells of is not gone');
  assert.doesNotMatch(go(20, 1, { queued: fresh(0) }).reason(), /for a queue/);
});

test('the least count is one of replicas, also where each holds less than its service time says', () => {
  // Ten requests a second by service time, eight measured: two hold less than two units.
  const { go } = fleet(2, 1, { min: 2, capacity: [Number.NaN, 8, 16, 24, 32] });
  assert.ok(go(24, 600).target > 2);
  assert.equal(go(0, 600).target, 2);
});

test('it never buys replicas that were measured to lower what the fleet holds', () => {
  const capacity = [Number.NaN, 900, 1000, 800, 600];
  const { go } = fleet(1, 1, { capacity });
  const signals = { serviceMs: fresh(5), queued: fresh(100) };
  assert.ok(go(2000, 600, signals).target <= 2);
});

test('recorded traffic stands in for what it has not seen yet', () => {
  const past = Array.from({ length: 3600 }, (_, second) => (second % 600 < 60 ? 300 : 100));
  const cold = fleet(12, 150);
  const warm = fleet(12, 150, {}, past);
  assert.equal(recordsOf(cold.state().rehearsal).filter(({ chosen }) => chosen).length, 0);
  const chosen = recordsOf(warm.state().rehearsal).find((one) => one.chosen);
  assert.ok(chosen !== undefined && chosen.violations < 0.02);
  assert.ok(warm.go(100, 30).target > cold.go(100, 30).target);
});

test('what no fleet at this lag can keep is said, with the fleet that could', () => {
  const bursts = fleet(10, 150);
  let said = '';
  // Three seconds of a load that nothing announces, every ten minutes, each larger than any before.
  for (let round = 0, load = 50; round < 40; round += 1, load *= 1.15) {
    bursts.go(10, 597);
    said = bursts.go(load * 10, 3).reason();
  }
  assert.match(said, /a lag of 150 s cannot keep 1 % on this load.*a standing fleet of \d+ would/);
});

test('a lag that changes is rehearsed anew, on the load that is remembered', () => {
  const { go, state } = fleet(12, 1);
  go(100, 1200);
  const seen = observe({ lag: lagOf(60), fleet: { target: 12 }, signals: { arrivals: fresh(100) } });
  const made = makePolicy('slo');
  assert.ok(made.kind === 'made');
  const { state: next } = (made.policy as Policy<SloState>).step(state(), seen, 1_300_000);
  assert.equal(next.rehearsal.all.lag, 60);
  assert.ok(next.rehearsal.history.seconds > 1100 && next.rehearsal.chosen >= 0);
});

test('a fleet that sleeps is not woken by a policy that sees no requests', () => {
  const { go } = fleet(0, 1, { min: 0 });
  assert.equal(go(0, 600).target, 0);
  assert.ok(go(5, 5).target > 0);
});
