import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SpanQuestion } from '../gateway/routing-table.ts';
import { requestSpan } from '../testing/request-span.ts';
import { openSpanQuestions } from './span-questions.ts';

function open() {
  const sent: [string, SpanQuestion][] = [];
  const gateways = { a: { name: 'a' }, b: { name: 'b' } };
  const questions = openSpanQuestions<{ readonly name: string }>(
    ({ name }, question) => void sent.push([name, question]),
  );
  const answer = (by: keyof typeof gateways, ...times: number[]): void =>
    questions.answered(gateways[by], {
      kind: 'spans',
      id: sent.at(-1)?.[1].id ?? -1,
      spans: times.map((totalMs) => requestSpan({ totalMs })),
    });
  return { questions, sent, answer, ...gateways };
}

test('what all gateways know is one list, the slowest first, within the limit', async () => {
  const { questions, sent, answer, a, b } = open();
  const found = questions.ask([a, b], { deployment: 'd', limit: 3 });
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
  const { questions, answer, a, b } = open();
  const found = questions.ask([a, b], { limit: 3 });
  questions.gone(b);
  answer('a', 5);
  assert.deepEqual(await found.then(({ spans, silent }) => [spans.length, silent]), [1, 1]);
  const silent = questions.ask([a, b], { limit: 3 });
  answer('b', 6);
  assert.deepEqual(await silent.then(({ spans, silent: none }) => [spans.length, none]), [1, 1]);
  assert.deepEqual(await questions.ask([], { limit: 3 }), { spans: [], silent: 0 });
});

test('what was taken is settled by asking again, and what came too late, or to a control that is gone, is not', async () => {
  const { questions, sent, a } = open();
  const took = () => sent.at(-1)?.[1].take;
  const answer = (number: number, lost: number, times: number[] = []): void =>
    questions.answered(a, {
      kind: 'spans',
      id: sent.at(-1)?.[1].id ?? -1,
      spans: times.map((totalMs) => requestSpan({ totalMs })),
      number,
      lost,
    });
  const first = questions.take([a], false);
  assert.deepEqual(took(), {}, 'of nothing that came before');
  answer(7, 3, [5]);
  assert.deepEqual(await first.then(({ spans, lost }) => [spans.length, lost]), [1, 3]);
  const second = questions.take([a], true);
  assert.deepEqual(took(), { settled: 7, isFull: true });
  answer(7, 10);
  assert.deepEqual(await second, { spans: [], lost: 7 });
  const silent = questions.take([a], false);
  assert.deepEqual(await silent, { spans: [], lost: 0 }, 'it says nothing in time');
  answer(8, 10, [1]);
  const third = questions.take([a], false);
  assert.deepEqual(took(), { settled: 7 });
  answer(9, 10, [1]);
  assert.deepEqual(await third.then(({ spans, lost }) => [spans.length, lost]), [1, 0]);
});
