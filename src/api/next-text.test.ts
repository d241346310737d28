import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nextView } from './next-schema.ts';
import { nextLine, nextText, spanText } from './next-text.ts';

const at = 1_000_000;
const change = { kind: 'change', at: at + 40_000, from: 6, to: 5, rule: 'stabilisation', by: 'slo', asOf: at } as const;

test('a change is told with when, what, by what, and whether it is done or only advised', () => {
  const done = nextView.parse({ ...change, reason: 'the stabilisation window ends: 5 would do', recommended: false });
  assert.equal(nextText(done, at), 'in 40 s, if load stays: 6 → 5');
  assert.equal(nextText(done, at + 10_500), 'in 30 s, if load stays: 6 → 5', 'counted down');
  assert.equal(
    nextLine(done, at),
    'in 40 s, if load stays: 6 → 5; the stabilisation window ends: 5 would do',
    'with its rule',
  );
  const advised = nextView.parse({ ...change, reason: 'r', recommended: true });
  assert.equal(nextText(advised, at), 'in 40 s, if load stays: 6 → 5 would be recommended');
});

test('that nothing changes says for how long, and that nobody can say says why', () => {
  const none = { kind: 'none', until: at + 600_000, ends: 'horizon', asOf: at } as const;
  assert.equal(nextText(none, at), 'nothing in 10 min, if load stays');
  assert.match(nextText({ ...none, until: at + 12_000, ends: 'judged' }, at), /judged in 12 s what the last change/);
  const unknown = { kind: 'unknown', reason: 'the load is not known', asOf: at } as const;
  assert.equal(nextText(unknown, at), 'nobody can say: the load is not known');
});

test('spans are whole seconds, never below none', () => {
  assert.deepEqual([-5, 1, 59_001, 125_000].map(spanText), ['0 s', '1 s', '1 min', '2 min 5 s']);
});
