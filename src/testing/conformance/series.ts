/** What every keeper of series must do, run by each driver's test; it is the specification of the seam. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Block, Mark, SeriesLog } from '../../series/series-log.ts';

export interface SeriesUnderTest extends AsyncDisposable {
  /** The same one again, as after a restart. */
  open(): Promise<SeriesLog>;
}

const hour = Date.UTC(2026, 10, 29, 14);
const day = Date.UTC(2026, 10, 29);
const block = (at: number, arrivals: number): Block => ({
  at,
  length: 2,
  arrivals: [arrivals, null],
  ready: 1,
});
const mark: Mark = { from: hour, to: hour + 10_000, fleet: { 'di.gits': { ready: 1, starting: 0, target: 1 } } };

export function seriesConformance(name: string, make: () => Promise<SeriesUnderTest>): void {
  const check = (title: string, body: (open: () => Promise<SeriesLog>) => Promise<void>): void => {
    void test(`${name}: ${title}`, async () => {
      await using place = await make();
      await body(() => place.open());
    });
  };

  check('an empty one has no segments, and reading what is not there gives nothing', async (open) => {
    await using log = await open();
    assert.deepEqual(await log.segments('fine'), []);
    assert.deepEqual(await log.read('fine', hour, 'digits'), { marks: [], blocks: [] });
    assert.deepEqual(await log.names('coarse', day), []);
    assert.equal(await log.bytes('fine', hour), 0);
    await log.remove('fine', hour);
  });

  check('what was appended is read back in its order, also after it was opened again', async (open) => {
    const first = await open();
    await first.append('fine', hour, [mark], new Map([['di.gits', [block(hour, 1)]]]));
    await first.append('fine', hour, [], new Map([['di.gits', [block(hour, 2), block(hour + 5000, 3)]]]));
    await first[Symbol.asyncDispose]();
    await using again = await open();
    await again.append('fine', hour, [{ from: hour + 10_000, to: hour + 20_000 }], new Map());
    assert.deepEqual(await again.read('fine', hour, 'di.gits'), {
      marks: [mark, { from: hour + 10_000, to: hour + 20_000 }],
      blocks: [block(hour, 1), block(hour, 2), block(hour + 5000, 3)],
    });
    assert.deepEqual((await again.read('fine', hour)).blocks, []);
    assert.deepEqual((await again.read('fine', hour, 'other')).blocks, []);
    assert.deepEqual((await again.read('fine', hour, 'other')).marks.length, 2);
  });

  check('tracks and segments are kept apart, listed in order, and removed whole', async (open) => {
    await using log = await open();
    await log.append('fine', hour + 3_600_000, [mark], new Map([['a', [block(hour, 1)]]]));
    await log.append('fine', hour, [mark], new Map([['b', [block(hour, 1)]]]));
    await log.append('coarse', day, [mark], new Map([['c', [block(day, 1)]]]));
    assert.deepEqual(await log.segments('fine'), [hour, hour + 3_600_000]);
    assert.deepEqual(await log.segments('coarse'), [day]);
    assert.deepEqual(await log.names('fine', hour), ['b']);
    assert.deepEqual(await log.names('coarse', day), ['c']);
    const bytes = await log.bytes('fine', hour);
    assert.ok(bytes > 50 && bytes < 1000, String(bytes));
    await log.remove('fine', hour);
    assert.deepEqual(await log.segments('fine'), [hour + 3_600_000]);
    assert.deepEqual(await log.read('fine', hour, 'b'), { marks: [], blocks: [] });
    // And begun anew.
    await log.append('fine', hour, [mark], new Map());
    assert.deepEqual(await log.names('fine', hour), []);
    assert.deepEqual(await log.segments('fine'), [hour, hour + 3_600_000]);
  });

  check('a name that is like what the driver needs itself is a name', async (open) => {
    await using log = await open();
    for (const deployment of ['marks', 'ndjson', 'fine', 'a.ndjson', 'A'])
      await log.append('fine', hour, [], new Map([[deployment, [block(hour, 7)]]]));
    assert.deepEqual(await log.names('fine', hour), ['A', 'a.ndjson', 'fine', 'marks', 'ndjson']);
    assert.equal((await log.read('fine', hour, 'a.ndjson')).blocks.length, 1);
    assert.equal((await log.read('fine', hour, 'a')).blocks.length, 0);
  });
}
