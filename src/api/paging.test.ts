import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { nextBy, nextLink, pageOf } from './paging.ts';

const self = (name: string): string => name;

test('page after page gives every row once, in order, whatever the length of a page', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ minLength: 1 })), fc.integer({ min: 1, max: 5 }), (names, limit) => {
      const next = nextBy('after', self);
      const got: string[] = [];
      let after: string | undefined;
      for (let pages = 0; pages <= names.length + 1; pages += 1) {
        const rows = pageOf(names, self, { after, limit });
        assert.ok(rows.length <= limit);
        got.push(...rows);
        const more = next({ limit }, rows);
        if (more === undefined) break;
        after = String(more['after']);
      }
      assert.deepEqual(got, names);
      assert.deepEqual(pageOf(names, self, {}), names);
    }),
  );
});

test('a name that is gone meanwhile is where it would stand', () => {
  assert.deepEqual(pageOf(['a', 'c', 'd'], self, { after: 'b', limit: 1 }), ['c']);
  assert.deepEqual(pageOf(['a', 'c'], self, { after: 'x' }), []);
});

test('the link repeats what was asked for, from the next row on', () => {
  const link = nextLink('/api/v1/journal?kind=decision&before=9&subject=a%26b', { before: 5 });
  assert.equal(link, '</api/v1/journal?kind=decision&before=5&subject=a%26b>; rel="next"');
  assert.equal(nextLink('/api/v1/models', { after: 'm é' }), '</api/v1/models?after=m+%C3%A9>; rel="next"');
});
