import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JournalEntryView, StatusView } from '../../../src/api/schemas.ts';
import { ApiFailure } from '../api/client.ts';
import { entriesMax, misfit, nothing, reduce, type Known } from './reduce.ts';
import { failed, toFailure, valueOf, type Resource } from './resource.ts';

const entry = (id: number): JournalEntryView => ({ id, at: id }) as JournalEntryView;
const told = (known: Known, id: number): Known => reduce(known, { kind: 'journal', entry: entry(id), at: 0 });

test('entries come once each, in order, and no more of them than a page can hold', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 2000 }), { maxLength: 800 }), (ids) => {
      const known = ids.reduce(told, nothing);
      const held = known.journal.map(({ id }) => id);
      assert.deepEqual(
        held,
        [...new Set(held)].sort((a, b) => a - b),
      );
      assert.ok(held.length <= entriesMax);
      assert.equal(known.seq, Math.max(0, ...ids));
    }),
    { numRuns: 50 },
  );
});

test('ages are told by the platform’s clock', () => {
  const known = reduce(nothing, { kind: 'hello', hello: { version: '1', api: 1, seq: 7, now: 5000 }, at: 2000 });
  assert.equal(known.skewMs, 3000);
  assert.equal(known.seq, 7);
});

test('what can no longer be caught up with is forgotten and asked for again', () => {
  const known = reduce(told(nothing, 3), { kind: 'resync', at: 0 });
  assert.deepEqual([known.journal, known.resyncs], [[], 1]);
  const other = reduce(told(nothing, 30), { kind: 'hello', hello: { version: '1', api: 1, seq: 2, now: 0 }, at: 0 });
  assert.deepEqual([other.journal, other.seq, other.resyncs], [[], 2, 1]);
});

test('a status replaces the one before, with the time at which it came', () => {
  const status = { name: 'demo' } as StatusView;
  const known = reduce(nothing, { kind: 'status', status, at: 9 });
  assert.deepEqual([known.status, known.statusAt], [status, 9]);
});

test('a page of another version says so', () => {
  const hello = { version: '0.1.0', api: 1, seq: 0, now: 0 };
  assert.equal(misfit(undefined, '0.1.0'), undefined);
  assert.equal(misfit(hello, '0.1.0'), undefined);
  assert.match(misfit(hello, '0.2.0') ?? '', /Flyball 0\.2\.0, the platform of 0\.1\.0/);
  assert.match(misfit({ ...hello, api: 2 }, '0.1.0') ?? '', /version 2/);
});

test('what was known stays, as old, when nothing newer comes', () => {
  const failure = new ApiFailure('UNREACHABLE', 0, 'control does not answer');
  const ready: Resource<number> = { kind: 'ready', value: 3, at: 10 };
  assert.deepEqual(failed(ready, failure), { kind: 'stale', value: 3, at: 10, failure });
  assert.deepEqual(failed(failed(ready, failure), failure), { kind: 'stale', value: 3, at: 10, failure });
  assert.deepEqual(failed({ kind: 'loading' }, failure), { kind: 'failed', failure });
  assert.equal(valueOf(failed(ready, failure)), 3);
  assert.equal(valueOf({ kind: 'failed', failure }), undefined);
  assert.equal(toFailure(failure), failure);
  assert.equal(toFailure(new TypeError('x')).code, 'CONSOLE_FAULT');
});
