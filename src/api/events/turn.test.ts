import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { chained, journalStart, type JournalEntry } from '../../journal/entry.ts';
import type { StatusView } from '../schemas.ts';
import { emptyWindow, extend, heldAfter, type JournalWindow } from './journal-window.ts';
import { nextStatus } from './status-revision.ts';
import { newClient, topics, turn, type Client } from './turn.ts';

const subjects = ['a', 'b', 'platform'];
const entries = (count: number): JournalEntry[] =>
  chained(
    journalStart,
    Array.from({ length: count }, (_, index) => ({
      kind: 'change' as const,
      action: 'scale',
      subject: subjects[index % subjects.length] ?? '',
      by: 'ada',
      reason: 'asked for',
      at: index,
    })),
  );
const all = entries(300);
const limits = { bufferedMax: 2000, stalledMs: 30_000, keepAliveMs: 15_000 };
const windowOf = (upTo: number, entriesMax = 1000): JournalWindow =>
  extend(emptyWindow, all.slice(0, upTo), { entriesMax, charactersMax: 1e9 });
const idsIn = (frames: readonly string[]): number[] =>
  frames.filter((frame) => frame.startsWith('event: journal')).map((frame) => Number(/\nid: (\d+)\n/.exec(frame)?.[1]));
const everything = (): boolean => true;

type Step =
  | { readonly kind: 'written'; readonly count: number }
  | { readonly kind: 'turn' }
  | { readonly kind: 'read'; readonly share: number };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant('written' as const), count: fc.integer({ min: 1, max: 30 }) }),
    fc.constant({ kind: 'turn' as const }),
    fc.record({ kind: fc.constant('read' as const), share: fc.double({ min: 0, max: 1, noNaN: true }) }),
  ),
  { maxLength: 60 },
);

test('however it reads, a client has each entry of its deployments once and in order, or a resync between them', () => {
  fc.assert(
    fc.property(
      steps,
      fc.integer({ min: 1, max: 40 }),
      fc.constantFrom(everything, (name: string) => name === 'a'),
      (run, kept, covers) => {
        let written = 0;
        let window = windowOf(0, kept);
        let buffered = 0;
        let client = newClient({ topics }, window, 0);
        const got: (number | 'resync')[] = [];
        const step = (): void => {
          const before = buffered;
          const next = turn(client, { journal: window }, { at: 0, buffered, covers }, limits);
          assert.equal(next.kind, 'go on');
          if (next.kind !== 'go on') return;
          ({ client } = next);
          for (const frame of next.frames) {
            // Never more than one event over the bound.
            assert.ok(buffered < limits.bufferedMax);
            buffered += frame.length;
            if (frame.startsWith('event: resync')) got.push('resync');
          }
          if (before >= limits.bufferedMax) assert.deepEqual(next.frames, []);
          got.push(...idsIn(next.frames));
        };
        for (const each of run) {
          if (each.kind === 'read') buffered = Math.floor(buffered * (1 - each.share));
          else if (each.kind === 'turn') step();
          else {
            const more = all.slice(written, written + each.count);
            written += more.length;
            window = extend(window, more, { entriesMax: kept, charactersMax: 1e9 });
          }
        }
        while (client.cursor < written || client.fullSince !== undefined) {
          buffered = 0;
          step();
        }
        const mine = all
          .slice(0, written)
          .filter(({ subject }) => covers(subject))
          .map(({ id }) => id);
        let last = 0;
        let told = true;
        for (const each of got) {
          if (each === 'resync') {
            told = false;
            continue;
          }
          assert.ok(each > last, `${each} after ${last}`);
          if (told)
            assert.deepEqual(
              mine.filter((id) => id > last && id < each),
              [],
            );
          assert.ok(mine.includes(each));
          last = each;
          told = true;
        }
        if (told)
          assert.deepEqual(
            mine.filter((id) => id > last),
            [],
          );
      },
    ),
  );
});

test('who comes back goes on from its number, or is told to ask for everything again and why', () => {
  const window = windowOf(100, 50);
  assert.equal(heldAfter(window), 50);
  const first = (client: Client): readonly string[] => {
    const next = turn(
      client,
      { journal: window },
      { at: 0, buffered: 0, covers: everything },
      { ...limits, bufferedMax: 1e6 },
    );
    return next.kind === 'go on' ? next.frames : assert.fail();
  };
  assert.deepEqual(idsIn(first(newClient({ topics, since: 97 }, window, 0))), [98, 99, 100]);
  assert.equal(idsIn(first(newClient({ topics, since: 50 }, window, 0))).length, 50);
  assert.deepEqual(first(newClient({ topics, since: 100 }, window, 0)), []);
  assert.deepEqual(first(newClient({ topics }, window, 0)), []);
  const resync = (since: number): string => first(newClient({ topics, since }, window, 0)).join('');
  assert.match(resync(49), /event: resync\nid: 100\ndata: \{"seq":100,"reason":"gone"\}/);
  assert.match(resync(101), /"reason":"unknown"/);
  assert.match(resync(Number.NaN), /"reason":"unknown"/);
});

test('who does not read is given time, then dropped; what is silent is kept open', () => {
  const window = windowOf(3);
  let client = newClient({ topics, since: 0 }, window, 0);
  const at = (ms: number, buffered: number): readonly string[] | 'drop' => {
    const next = turn(client, { journal: window }, { at: ms, buffered, covers: everything }, limits);
    if (next.kind === 'drop') return 'drop';
    ({ client } = next);
    return next.frames;
  };
  assert.deepEqual(at(1000, 2000), []);
  assert.deepEqual(at(30_999, 2000), []);
  assert.deepEqual(idsIn(at(30_999, 1000) as string[]), [1, 2, 3]);
  assert.deepEqual(at(40_000, 5000), []);
  assert.equal(at(70_000, 5000), 'drop');
  assert.deepEqual(at(45_998, 0), []);
  assert.deepEqual(at(45_999, 0), [':\n\n']);
});

test('a status is told when it has changed, at once when in more than its ages, and each client has the newest only', () => {
  const view = (rps: number, ageMs: number, at: number) =>
    ({ at, deployments: [{ name: '"at":1,', load: { requestsPerSecond: rps, ageMs } }] }) as unknown as StatusView;
  const first = nextStatus(undefined, view(1, 10, 1), 0);
  assert.equal(first.revision, 1);
  assert.equal(nextStatus(first, view(1, 900, 2), 1000), first);
  assert.equal(nextStatus(first, view(1, 900, 2), 5000).revision, 2);
  const second = nextStatus(first, view(2, 10, 3), 1000);
  assert.equal(second.revision, 2);
  const third = nextStatus(second, view(3, 10, 3), 2000);
  const client = newClient({ topics: ['status'] }, emptyWindow, 0);
  const next = turn(
    client,
    { journal: windowOf(5), status: third },
    { at: 0, buffered: 0, covers: everything },
    limits,
  );
  assert.ok(next.kind === 'go on');
  assert.deepEqual(next.frames, [third.frame]);
  const again = turn(
    next.client,
    { journal: windowOf(5), status: third },
    { at: 0, buffered: 0, covers: everything },
    limits,
  );
  assert.deepEqual(again.kind === 'go on' && again.frames, []);
});

test('the window is bounded in entries and in characters, and has no gap', () => {
  const byCharacters = extend(emptyWindow, all, { entriesMax: 1000, charactersMax: 5000 });
  assert.ok(byCharacters.entries.reduce((sum, { frame }) => sum + frame.length, 0) <= 5000);
  assert.equal(byCharacters.last, 300);
  const gap = extend(windowOf(10), all.slice(20), { entriesMax: 1000, charactersMax: 1e9 });
  assert.equal(heldAfter(gap), 20);
  assert.deepEqual(extend(gap, all.slice(0, 300), { entriesMax: 1000, charactersMax: 1e9 }), gap);
});
