import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanQuestion } from '../gateway/routing-table.ts';
import { requestSpan } from '../testing/request-span.ts';
import { openSpanQuestions } from './span-questions.ts';

function open() {
  const sent: [string, SpanQuestion][] = [];
  const questions = openSpanQuestions<string>((to, question) => void sent.push([to, question]));
  const answer = (by: string, ...times: number[]): void =>
    questions.answered(by, {
      kind: 'spans',
      id: sent.at(-1)?.[1].id ?? -1,
      spans: times.map((totalMs) => requestSpan({ totalMs })),
    });
  return { questions, sent, answer };
}

test('what all gateways know is one list, the slowest first, within the limit', async () => {
  const { questions, sent, answer } = open();
  const found = questions.ask(['a', 'b'], { deployment: 'd', limit: 3 });
  assert.deepEqual(
    sent.map(([to, { query }]) => [to, query?.deployment]),
    [
      ['a', 'd'],
      ['b', 'd'],
    ],
  );
  answer('a', 5, 1);
  // Twice is once.
  answer('a', 99);
  answer('b', 7, 3);
  const { spans, silent } = await found;
  assert.deepEqual([spans.map(({ totalMs }) => totalMs), silent], [[7, 5, 3], 0]);
});

test('a gateway that goes is not waited for, one that says nothing not for long; both are counted', async () => {
  const { questions, answer } = open();
  const found = questions.ask(['a', 'b'], { limit: 3 });
  questions.gone('b');
  answer('a', 5);
  assert.deepEqual(await found.then(({ spans, silent }) => [spans.length, silent]), [1, 1]);
  const silent = questions.ask(['a', 'b'], { limit: 3 });
  answer('b', 6);
  assert.deepEqual(await silent.then(({ spans, silent: none }) => [spans.length, none]), [1, 1]);
  assert.deepEqual(await questions.ask([], { limit: 3 }), { spans: [], silent: 0 });
});
