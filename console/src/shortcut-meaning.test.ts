import assert from 'node:assert/strict';
import { test } from 'node:test';
import { meaning, type Pressed } from './shortcut-meaning.ts';

const goKeys = { n: '/', d: '/d' };
const press = (key: string, more: Partial<Pressed> = {}): Pressed => ({
  key,
  modified: false,
  typing: false,
  modal: false,
  afterGo: false,
  enabled: true,
  ...more,
});

test('g and a letter goes to a view, and the letter alone does not', () => {
  assert.deepEqual(meaning(press('g'), goKeys), { kind: 'go-begins' });
  assert.deepEqual(meaning(press('d', { afterGo: true }), goKeys), { kind: 'go', path: '/d' });
  assert.deepEqual(meaning(press('d'), goKeys), { kind: 'nothing' });
  assert.deepEqual(meaning(press('constructor', { afterGo: true }), goKeys), { kind: 'nothing' });
});

test('single keys do what the help says', () => {
  assert.deepEqual(meaning(press('.'), goKeys), { kind: 'open', what: 'stop' });
  assert.deepEqual(meaning(press('?'), goKeys), { kind: 'open', what: 'help' });
  assert.deepEqual(meaning(press('/'), goKeys), { kind: 'search' });
  assert.deepEqual(meaning(press('w'), goKeys), { kind: 'why' });
});

test('no key acts while somebody types, in a dialog, with a modifier, or when they are switched off', () => {
  for (const more of [{ typing: true }, { modal: true }, { modified: true }, { enabled: false }]) {
    for (const key of ['.', 'g', '/', '?', 'w'])
      assert.deepEqual(meaning(press(key, more), goKeys), { kind: 'nothing' });
  }
});
