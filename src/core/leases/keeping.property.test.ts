/**
 * The laws of holding a lease, in a world of a database and several holders under a virtual clock: messages are slow, get
 * lost on the way there or back, and the database's clock runs faster or slower than the holders'.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { after, beginning, leaseTerms, mayAct, next, type LeaseEvent, type Standing } from './keeping.ts';

const ttlMs = 10_000;
const terms = leaseTerms(ttlMs);
/** When a question is given up. */
const answerMs = 3000;

interface Way {
  readonly there: number;
  readonly back: number;
  readonly fate: 'arrives' | 'lost there' | 'lost back';
}

/** While it lasts, nothing of one holder arrives: what loses a lease. */
interface Outage {
  readonly holder: number;
  readonly from: number;
  readonly lastsMs: number;
}
const outages = fc.array(fc.record({ holder: fc.nat(2), from: fc.nat(100_000), lastsMs: fc.nat(25_000) }), {
  maxLength: 8,
});

const quick: Way = { there: 5, back: 5, fate: 'arrives' };
const ways = fc.array(
  fc.record({
    there: fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, fc.nat(12_000)),
    back: fc.oneof({ weight: 3, arbitrary: fc.nat(50) }, fc.nat(12_000)),
    fate: fc.oneof(
      { weight: 5, arbitrary: fc.constant('arrives' as const) },
      fc.constantFrom('lost there' as const, 'lost back' as const),
    ),
  }),
  { minLength: 1, maxLength: 60 },
);

/** `rate`: how much faster the database's clock runs. */
function world(given: readonly Way[], rate: number, outages: readonly Outage[] = []) {
  const clock = createVirtualClock();
  const way = given.values();
  const lease = { token: 0, holder: '', endsAt: Number.NEGATIVE_INFINITY };
  const tokens: number[] = [];
  const holders: { standing: Standing }[] = [];
  const databaseNow = (): number => clock.now() * rate;

  function acquire(holder: string): Extract<LeaseEvent, { kind: 'given' | 'refused' }> {
    if (databaseNow() < lease.endsAt && lease.holder !== holder) return { kind: 'refused' };
    lease.token += 1;
    lease.holder = holder;
    lease.endsAt = databaseNow() + ttlMs;
    tokens.push(lease.token);
    return { kind: 'given', token: lease.token, askedAt: 0 };
  }
  function renew(token: number): Extract<LeaseEvent, { kind: 'renewed' | 'taken' }> {
    if (lease.token !== token) return { kind: 'taken' };
    lease.endsAt = databaseNow() + ttlMs;
    return { kind: 'renewed', askedAt: 0 };
  }

  /** Whoever loses it begins again a moment later, as another. */
  function begin(name: string, index: number): void {
    const isOut = (): boolean =>
      outages.some(
        ({ holder, from, lastsMs }) => holder === index && clock.now() >= from && clock.now() < from + lastsMs,
      );
    const own: { standing: Standing } = { standing: beginning };
    holders.push(own);
    const ask = (question: () => LeaseEvent): void => {
      const askedAt = clock.now();
      const { there, back, fate } = way.next().value ?? quick;
      let isAnswered = false;
      const hear = (event: LeaseEvent): void => {
        if (isAnswered) return;
        isAnswered = true;
        own.standing = after(terms, own.standing, 'askedAt' in event ? { ...event, askedAt } : event, clock.now());
        go();
      };
      clock.after(answerMs, () => hear({ kind: 'unanswered' }));
      if (fate === 'lost there' || isOut()) return;
      clock.after(there, () => {
        const answer = question();
        if (fate === 'arrives') clock.after(back, () => hear(answer));
      });
    };
    function go(): void {
      const step = next(own.standing, clock.now());
      if (step.kind === 'ask') ask(() => acquire(name));
      else if (step.kind === 'renew') ask(() => renew(step.token));
      else if (step.kind === 'wait') clock.after(step.until - clock.now(), go);
      else clock.after(100, () => begin(`${name}'`, index));
    }
    go();
  }

  const acting = (): number => holders.filter(({ standing }) => mayAct(standing, clock.now())).length;
  return { clock, begin, acting, tokens };
}

test('at no moment may two act, whatever becomes of messages and however far clocks drift apart', () => {
  fc.assert(
    fc.property(
      ways,
      outages,
      fc.double({ min: 0.82, max: 1.2, noNaN: true }),
      fc.integer({ min: 2, max: 3 }),
      (given, out, rate, count) => {
        const { clock, begin, acting, tokens } = world(given, rate, out);
        for (let index = 0; index < count; index += 1) begin(`node ${index}`, index);
        for (let moment = 0; moment < 6000; moment += 1) {
          clock.pass(20);
          assert.ok(acting() <= 1, `${acting()} act at ${clock.now()}`);
        }
        assert.deepEqual(
          tokens,
          [...new Set(tokens)].toSorted((left, right) => left - right),
          'tokens only grow',
        );
      },
    ),
    { numRuns: 100 },
  );
});

test('once messages arrive again, somebody acts before long, and goes on', () => {
  fc.assert(
    fc.property(ways, (given) => {
      const { clock, begin, acting } = world(given, 1);
      begin('node 0', 0);
      begin('node 1', 1);
      // Longer than all that is slow or lost can last.
      clock.pass(given.length * 30_000);
      clock.pass(ttlMs + 2 * terms.pollMs + answerMs);
      for (let moment = 0; moment < 100; moment += 1) {
        clock.pass(ttlMs / 10);
        assert.equal(acting(), 1, `at ${clock.now()}`);
      }
    }),
    { numRuns: 50 },
  );
});

test('an answer that took longer than the lease gives nothing, and one that was taken is lost for good', () => {
  const late = after(terms, beginning, { kind: 'given', token: 1, askedAt: 0 }, ttlMs);
  assert.equal(late.kind, 'waiting');
  const held = after(terms, beginning, { kind: 'given', token: 1, askedAt: 0 }, 10);
  assert.deepEqual([mayAct(held, 7999), mayAct(held, 8000)], [true, false]);
  const lost = after(terms, held, { kind: 'taken' }, 20);
  assert.equal(after(terms, lost, { kind: 'renewed', askedAt: 30 }, 40), lost);
  assert.deepEqual(next(lost, 50), { kind: 'stop', reason: 'another control has taken over' });
});
