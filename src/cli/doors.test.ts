import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDoors } from './doors.ts';

test('doors come one by one or with commas, each once and in their order', () => {
  const host = fc.oneof(fc.ipV4(), fc.domain());
  const port = fc.integer({ min: 1, max: 65_535 }).filter((number) => number !== 443);
  const door = fc.tuple(host, port).map(([name, number]) => `https://${name}:${number}`);
  fc.assert(
    fc.property(fc.array(door, { minLength: 1, maxLength: 10 }), (doors) => {
      const once = [...new Set(doors.map((each) => new URL(each).origin))];
      assert.deepEqual(parseDoors(doors), once);
      assert.deepEqual(parseDoors([doors.join(' , ')]), once);
    }),
  );
});

test('what is no address of a door is refused with what was expected', () => {
  const wrong = [
    'http://10.0.0.1:8003',
    '10.0.0.1:8003',
    'https://',
    'https://a:8003/path',
    'https://user:word@a:8003',
    'nonsense',
  ];
  for (const text of wrong) {
    assert.throws(() => parseDoors([text]), {
      message: `--door: expected an address such as https://10.0.0.1:8003, got ${text}`,
    });
  }
  for (const none of [[], [''], [',']]) assert.throws(() => parseDoors(none), /gateway expects --door URL/);
  const many = Array.from({ length: 65 }, (_, index) => `https://10.0.0.${index}:8003`);
  assert.throws(() => parseDoors(many), /at most 64 doors, got 65/);
});
