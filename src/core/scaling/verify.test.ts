import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judge } from './verify.ts';

const calm = { completed: 100, late: 0, queued: 0, inFlight: 2 };
const trouble = { completed: 100, late: 50, queued: 20, inFlight: 2 };
const raised = { from: 2, to: 4, ready: 2, before: trouble, holds: 0, at: 0, dueAt: 1 };

test('more replicas are not praised for a load that has gone', () => {
  const before = { completed: 6, late: 3, queued: 4, inFlight: 2 };
  const expectation = { from: 1, to: 2, ready: 1, before, holds: 0, at: 0, dueAt: 1 };
  const { kind, reason } = judge(expectation, 2, { completed: 1, late: 0, queued: 0, inFlight: 2 });
  assert.equal(kind, 'helped');
  assert.match(reason, /less is asked by now/);
  assert.match(
    judge(expectation, 2, { completed: 9, late: 0, queued: 0, inFlight: 2 }).reason,
    /it did what it was for/,
  );
});

test('raising helped when more is answered, or fewer wait', () => {
  assert.equal(judge(raised, 4, { completed: 190, late: 50, queued: 20, inFlight: 2 }).kind, 'helped');
  assert.equal(judge(raised, 4, { completed: 100, late: 50, queued: 5, inFlight: 2 }).kind, 'helped');
  assert.equal(judge({ ...raised, before: calm }, 4, calm).kind, 'helped');
});

test('raising that changes nothing is no help: the bottleneck is elsewhere', () => {
  const verdict = judge(raised, 4, { completed: 101, late: 52, queued: 21, inFlight: 2 });
  assert.equal(verdict.kind, 'no help');
  assert.match(verdict.reason, /2 more replicas changed nothing: 100 → 101 answers\/s, 20 → 21 queued/);
});

test('one that waits now and then while none is late is no trouble, before or after', () => {
  const busy = { completed: 18, late: 0, queued: 1.2, inFlight: 6 };
  assert.equal(judge({ ...raised, before: busy }, 4, busy).kind, 'helped');
  assert.equal(judge({ ...raised, from: 4, to: 2, before: calm }, 2, busy).kind, 'helped');
});

test('replicas that are not there yet have proved nothing', () => {
  assert.equal(judge(raised, 3, trouble).kind, 'not ready');
});

test('lowering harmed when requests wait that did not', () => {
  const lowered = { from: 4, to: 2, ready: 4, before: calm, holds: 0, at: 0, dueAt: 1 };
  assert.equal(judge(lowered, 2, trouble).kind, 'harmed');
  assert.equal(judge(lowered, 2, calm).kind, 'helped');
  const same = judge({ ...lowered, before: trouble }, 2, trouble);
  assert.equal(same.kind, 'helped');
  assert.match(same.reason, /it was no better with them/);
});

test('requests that wait behind the replicas now and not before them have not been helped', () => {
  const before = { completed: 20, late: 20, queued: 7, inFlight: 1 };
  const verdict = judge({ ...raised, from: 1, before }, 4, { completed: 20.4, late: 20.2, queued: 4, inFlight: 4 });
  assert.equal(verdict.kind, 'no help');
});

test('a load that began a moment before the move makes no help of what came by itself', () => {
  const before = { completed: 2, late: 2, queued: 1, inFlight: 1 };
  const now = { completed: 8, late: 8, queued: 4, inFlight: 4 };
  assert.equal(judge({ ...raised, from: 1, before, holds: 18 }, 4, now).kind, 'no help');
  assert.equal(judge({ ...raised, from: 1, before, holds: 4 }, 4, now).kind, 'helped');
});

test('one that was raised before any trouble was felt is judged by what came of it, too', () => {
  const foreseen = { ...raised, from: 1, before: { completed: 20, late: 0, queued: 0, inFlight: 1 } };
  const worse = { completed: 15, late: 15, queued: 4, inFlight: 4 };
  const verdict = judge({ ...foreseen, holds: 18 }, 4, worse);
  assert.equal(verdict.kind, 'no help');
  assert.match(verdict.reason, /3 more replicas changed nothing: 20 → 15 answers\/s, 0 → 4 queued/);
  // Some may be late because it was not enough.
  assert.equal(judge({ ...foreseen, holds: 18 }, 4, { ...worse, late: 3 }).kind, 'helped');
  // A load that grew beyond what was there before is served better than it would have been, if not well enough.
  assert.equal(judge({ ...foreseen, holds: 18 }, 4, { ...worse, completed: 40 }).kind, 'helped');
  assert.equal(judge({ ...foreseen, holds: 0 }, 4, { ...worse, completed: 40 }).kind, 'helped');
});
