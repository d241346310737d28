/** The words of a message as an operator writes them, and how text is cut. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fill, parseTemplate, templateFields, type TemplateValues } from './template.ts';
import { cut, cutEscaped, oneLine, plainLines } from './text.ts';

const values = Object.fromEntries(Object.keys(templateFields).map((name) => [name, `<${name}>`])) as TemplateValues;

test('fields are filled in and escaped, what stands around them stays', () => {
  const parsed = parseTemplate('*{{title}}* of {{ deployment }}{{by}}');
  assert.equal(parsed.kind, 'template');
  if (parsed.kind !== 'template') return;
  assert.equal(
    fill(parsed.parts, values, (value) => value.toUpperCase()),
    '*<TITLE>* of <DEPLOYMENT><BY>',
  );
});

test('a field that does not exist, and braces that do not close, are refused', () => {
  assert.deepEqual(parseTemplate('{{titel}}'), { kind: 'unknown', field: 'titel' });
  assert.deepEqual(parseTemplate('{{constructor}}'), { kind: 'unknown', field: 'constructor' });
  assert.equal(parseTemplate('a {{title').kind, 'broken');
  assert.equal(parseTemplate('a }} b').kind, 'broken');
});

test('what a value holds is never read as a template', () => {
  const parsed = parseTemplate('{{title}}');
  assert.ok(parsed.kind === 'template');
  assert.equal(
    fill(parsed.parts, { ...values, title: '{{by}}' }, (value) => value),
    '{{by}}',
  );
});

test('text without braces is itself', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      if (text.includes('{{') || text.includes('}}')) return;
      const parsed = parseTemplate(text);
      assert.ok(parsed.kind === 'template');
      assert.equal(
        fill(parsed.parts, values, (value) => value),
        text,
      );
    }),
  );
});

test('what is cut is short enough, well-formed, and shows it', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, max) => {
      const short = cut(text, max);
      assert.ok(short.length <= max && short.isWellFormed());
      assert.equal(short === text, text.length <= max);
      if (short !== text) assert.ok(short.endsWith('…'));
    }),
  );
  assert.equal(cutEscaped(String.raw`ab\*cd`, 4), 'ab…');
  assert.equal(cutEscaped(String.raw`a\\\*cd`, 5), String.raw`a\\…`);
  assert.equal(cutEscaped('ab&amp;cd', 6), 'ab…');
  assert.equal(cutEscaped('ab&amp;cd', 9), 'ab&amp;cd');
});

test('a line is one line', () => {
  assert.equal(oneLine('a\r\nBcc: b\u2028c\u202E'), 'a Bcc: b c');
  assert.equal(plainLines('a\r\nb\u0007\u001b[31m'), 'a\nb [31m');
});
