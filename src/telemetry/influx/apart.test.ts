/** By structure and not by measurement: what is not loaded cannot be waited for. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

/** Every module that is loaded with one, itself included; what is imported for its types alone is not. */
function loadedWith(start: URL): Set<string> {
  const found = new Set<string>();
  const waiting = [start];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (found.has(next.href)) continue;
    found.add(next.href);
    const source = readFileSync(next, 'utf8');
    for (const [, path = ''] of source.matchAll(
      /^(?:import|export) (?!type )[^;]*?from '(\.[^']+)'|import\('(\.[^']+)'\)/gm,
    )) {
      if (path !== '') waiting.push(new URL(path, next));
    }
  }
  return found;
}

test('nothing of a gateway or a runner loads a sink for line protocol; control does', () => {
  const sinks = (process: string): string[] =>
    [...loadedWith(new URL(process, import.meta.url))].filter((path) =>
      /telemetry\/influx\/|control\/sinks\//.test(path),
    );
  assert.deepEqual(sinks('../../gateway/process.ts'), []);
  assert.deepEqual(sinks('../../runner/process.ts'), []);
  assert.ok(sinks('../../control/process.ts').length > 5);
});
