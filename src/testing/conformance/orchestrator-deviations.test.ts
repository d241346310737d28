import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { declared, deviationTable } from './orchestrator-deviations.ts';

/** A table as it was written, before it was made to look well. */
const plain = (text: string): readonly string[] => text.split('\n').map((line) => line.replaceAll(/ +/g, ' '));

test('the page of a driver has the deviations that it declares, and no others', () => {
  for (const driver of ['process', 'swarm'] as const) {
    const page = readFileSync(new URL(`../../../docs/drivers/${driver}.md`, import.meta.url), 'utf8');
    const [head, ...rows] = plain(deviationTable(declared[driver]));
    const lines = plain(page);
    const from = lines.indexOf(head ?? '') + 2;
    assert.ok(from > 1, `expected a table “${head}” in docs/drivers/${driver}.md, found none`);
    const found = lines.slice(from, lines.indexOf('', from));
    assert.deepEqual(found, rows, `docs/drivers/${driver}.md`);
  }
});
