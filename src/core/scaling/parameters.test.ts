import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultsOf, readParameters } from './parameters.ts';
import { makePolicy, policies } from './policies/list.ts';

test('every policy of the list takes its own defaults', () => {
  for (const { parameters } of policies) assert.doesNotThrow(() => defaultsOf(parameters));
});

test('names are unique', () => {
  assert.equal(new Set(policies.map(({ name }) => name)).size, policies.length);
});

test('a problem names the parameter, what came and what was expected', () => {
  assert.deepEqual(makePolicy('thresholds', { upper: 2, lowest: 1 }), {
    kind: 'refused',
    problems: [
      'lowest is no parameter of it, expected one of upper, lower, sustainedSeconds, step',
      'upper is 2, expected a number of at least 0 and at most 1',
    ],
  });
  const refused = makePolicy('threshold');
  assert.ok(refused.kind === 'refused' && refused.problems[0]?.startsWith('there is no policy threshold'));
});

test('a structure is read by its own reader, whose complaint carries its name', () => {
  const table = {
    rules: {
      kind: 'structure',
      default: [],
      about: 'Rules.',
      read: (value: unknown): readonly unknown[] => {
        if (!Array.isArray(value)) throw new TypeError('expected a list');
        return value as unknown[];
      },
    },
  } as const;
  assert.deepEqual(readParameters(table, { rules: 3 }), { kind: 'refused', problems: ['rules: expected a list'] });
  assert.deepEqual(readParameters(table, {}), { kind: 'read', parameters: { rules: [] } });
});
