import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { leaveCosts, readCosts } from './kept-costs.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-costs-'));
after(() => rmSync(folder, { recursive: true }));

test('what a replica leaves the next one reads, in a folder that the first makes', async () => {
  const path = join(folder, 'costs', 'digits.json');
  assert.equal(readCosts(path), undefined);
  const curve = [
    { rows: 1, ms: 4, processorMs: 3 },
    { rows: 8, ms: 20 },
  ];
  await leaveCosts(path, curve);
  assert.deepEqual(readCosts(path), curve);
  assert.deepEqual(readdirSync(join(folder, 'costs')), ['digits.json']);
});

for (const [what, text] of [
  ['half a file', '[{"rows":1,'],
  ['nothing measured', '[]'],
  ['no batch', '[{"rows":0,"ms":1}]'],
  ['no time', '[{"rows":1,"ms":null}]'],
  ['a negative time', '[{"rows":1,"ms":1,"processorMs":-1}]'],
  ['something else', '{"rows":1,"ms":1}'],
] as const)
  test(`${what} is as none`, () => {
    const path = join(folder, 'bad.json');
    writeFileSync(path, text);
    assert.equal(readCosts(path), undefined);
  });

test('where nothing can be written nobody is told and nothing is left', async () => {
  writeFileSync(join(folder, 'file'), '');
  await leaveCosts(join(folder, 'file', 'costs.json'), [{ rows: 1, ms: 1 }]);
});
