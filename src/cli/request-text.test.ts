import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestSpan } from '../testing/request-span.ts';
import { requestText } from './request-text.ts';

const style = { bold: (text: string): string => text, ellipsis: '…' };
const { sampled: _, batch, ...span } = requestSpan();
const request = { ...span, batch: { ...batch!, mates: [...batch!.mates] }, decision: 5 };

test('a request says how it ended, where its time went and who was in its batch', () => {
  assert.deepEqual(requestText(request, style).split('\n'), [
    'd: request 0af7651916cd43dd8448eb211c80319c',
    '  came      00:00:01 UTC over rest',
    '  ended     ok, after 30 ms',
    '  spent     read 2 ms · queue 8 ms · replica 19 ms (wait 1 ms, decode 2 ms, compute 15 ms) · rest 1 ms',
    '  batch     p-1 of 3 rows, with 1 more: 4bf92f3577b34da6a3ce929d0e0e4736',
    '  replica   d-1, version 1',
  ]);
});

test('of one that never left the queue nothing is made up', () => {
  const { batch: _batch, replica: _replica, callMs: _call, computeMs: _compute, ...rest } = request;
  const text = requestText({ ...rest, status: 'QUEUE_FULL', message: 'full', totalMs: 10.5 }, style);
  assert.match(text, /ended +QUEUE_FULL: full, after 10\.5 ms/);
  assert.match(text, /spent +read 2 ms · queue 8 ms$/m);
  assert.doesNotMatch(text, /batch|replica/);
});
