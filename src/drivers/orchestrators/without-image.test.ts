import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunnerLaunch } from '../../runner/launch.ts';
import { orderOf } from '../../testing/lone-replica.ts';
import { withoutImage } from './without-image.ts';

type Server = Extract<RunnerLaunch['runtime'], { kind: 'server' }>;

const { launch } = orderOf('a');
const inImage = (more: Partial<Server>) => ({
  ...launch,
  runtime: { kind: 'server', image: 'i:1', ...more } as Server,
});

test('a launch without an image is as it was', () => {
  assert.equal(withoutImage(launch), launch);
});

test('a command or an address runs or is reached on this machine, without the image', () => {
  for (const way of [{ command: ['serve'] }, { address: 'http://a' }]) {
    assert.deepEqual(withoutImage(inImage(way)).runtime, { kind: 'server', ...way });
  }
});

test('an image alone is refused, with what would do instead', () => {
  assert.throws(() => withoutImage(inImage({})), {
    code: 'REPLICA_FAILED',
    message: /image i:1 .*kind: swarm.*server\.command/,
  });
});
