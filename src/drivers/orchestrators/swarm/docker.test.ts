import assert from 'node:assert/strict';
import { test } from 'node:test';
import { portsOf } from './docker.ts';

test('a port that is published for IPv4 and, under another number, for IPv6 is the one of IPv4', () => {
  const published = [
    { TargetPort: 7000, PublishedPort: 32_911 },
    { TargetPort: 7000, PublishedPort: 32_771 },
  ];
  assert.deepEqual(portsOf(published), { 7000: 32_911 });
  assert.deepEqual(portsOf([]), {});
});
