import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkSettings, defaultSettings, mergeSettings, type TestbedSettings } from './settings.ts';

const check = (changed: Partial<TestbedSettings>): TestbedSettings =>
  checkSettings({ ...defaultSettings, ...changed }, 2);

test('what is out of its range is refused with what was expected and what came', () => {
  check({ nodes: 1, managers: 1, cpus: 0.25, memoryMiB: 512, advertisedCpus: 2, genericResources: { gpu: 2 } });
  const bad: readonly [Partial<TestbedSettings>, RegExp][] = [
    [{ nodes: 0 }, /nodes: expected a whole number from 1 to 50, came 0/],
    [{ nodes: Number.NaN }, /nodes: .* came NaN/],
    [{ nodes: 2.5 }, /came 2\.5/],
    [{ managers: 5 }, /managers: expected at most as many as there are nodes \(3\), came 5/],
    [{ cpus: 0 }, /cpus: expected a number from 0\.01/],
    [{ heartbeatMs: 1 }, /heartbeatMs: expected a whole number from 100/],
    [{ advertisedCpus: 3 }, /advertisedCpus: expected at most what the machine has \(2\), came 3/],
    [{ genericResources: { gpu: 0 } }, /genericResources: .* came gpu=0/],
    [{ genericResources: { 'g p,u': 1 } }, /genericResources/],
  ];
  for (const [changed, message] of bad) assert.throws(() => check(changed), message);
});

test('a testbed that is there grows, and is otherwise what it was made', () => {
  const saved = { ...defaultSettings, cpus: 0.5, genericResources: { gpu: 2 } };
  assert.deepEqual(mergeSettings(saved, {}), saved);
  assert.deepEqual(mergeSettings(saved, { cpus: 0.5, genericResources: { gpu: 2 } }), saved);
  assert.deepEqual(mergeSettings(saved, { nodes: 5 }), { ...saved, nodes: 5 });
  assert.throws(() => mergeSettings(saved, { nodes: 2 }), /has 3 nodes, 2 were asked for: take it down first/);
  assert.throws(() => mergeSettings(saved, { cpus: 1 }), /is there with cpus 0\.5, 1 was asked for/);
  assert.throws(() => mergeSettings(saved, { memoryMiB: 512 }), /is there with memoryMiB not set, 512 was asked for/);
});
