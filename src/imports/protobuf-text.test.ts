import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { problemsInWords } from '../config/problems.ts';
import { parseTextFormat, type TextField, type TextValue } from './protobuf-text.ts';

/** Without places: what was said, not where. */
type Plain = readonly (readonly [name: string, value: unknown])[];

const plainValue = (value: TextValue): unknown => {
  if (value.kind === 'message') return plain(value.fields);
  if (value.kind === 'nothing') return null;
  return value.kind === 'string' ? JSON.stringify(value.value) : value.text;
};
const plain = (fields: readonly TextField[]): Plain => fields.map(({ name, value }) => [name, plainValue(value)]);

function fieldsOf(text: string): Plain {
  const parsed = parseTextFormat(text);
  assert.ok(parsed.kind === 'fields', parsed.kind === 'problem' ? problemsInWords('text', [parsed.problem]) : '');
  return plain(parsed.fields);
}

function problemOf(text: string): string {
  const parsed = parseTextFormat(text);
  assert.ok(parsed.kind === 'problem', `read as ${JSON.stringify(parsed)}`);
  return problemsInWords('text', [parsed.problem]);
}

test('every way of writing a field says the same', () => {
  const expected = [['a', [['b', '1']]]];
  for (const text of [
    'a { b: 1 }',
    'a: { b: 1 }',
    'a < b: 1 >',
    'a: < b: 1; >,',
    'a{b:1}',
    '# so\na # it is\n{\nb\n:\n1}',
    'a [{ b: 1 }]',
  ])
    assert.deepEqual(fieldsOf(text), expected, text);
});

test('a list is its values one after another, and a list of messages needs no colon', () => {
  assert.deepEqual(fieldsOf('d: [ 3, -1 ] d: 4'), fieldsOf('d: 3 d: -1 d: 4'));
  assert.deepEqual(fieldsOf('i [ { n: "x" }, { n: "y" } ]'), fieldsOf('i { n: "x" } i { n: "y" }'));
  assert.deepEqual(fieldsOf('d: []'), [['d', null]]);
});

test('strings have both quotes, escapes and neighbours', () => {
  assert.deepEqual(fieldsOf(String.raw`s: "a\n\"\x41\101é" 'b' "c"`), [['s', JSON.stringify('a\n"AAébc')]]);
  assert.deepEqual(fieldsOf(String.raw`s: '\303\251 \u00e9 \U0001F600'`), [['s', JSON.stringify('é é 😀')]]);
});

test('numbers and identifiers are kept as they are written', () => {
  assert.deepEqual(
    fieldsOf('a: 0x1F b: -7 c: 1.5e3f d: .5 e: TYPE_FP32 f: -inf').map(([, value]) => value),
    ['0x1F', '-7', '1.5e3f', '.5', 'TYPE_FP32', '-inf'],
  );
});

test('a problem says where, what was expected and what came', () => {
  const cases: readonly (readonly [text: string, problem: string])[] = [
    ['a: 1\n  b: }', 'text:2:6: expected a value of b, got }'],
    ['a "x"', 'text:1:3: expected : or { after a, got "x"'],
    ['a { b: 1', 'text:1:9: expected the name of a field or }, got the end of the file'],
    ['a < b: 1 }', 'text:1:10: expected the name of a field or >, got }'],
    ['a [ 1 ]', 'text:1:5: expected { of a message in a (scalars need a colon: a: [ … ]), got 1'],
    ['a: [ 1, ]', 'text:1:9: expected a value after the comma, got ]'],
    ['a: [ 1 2 ]', 'text:1:8: expected , or ], got 2'],
    ['a: "x', 'text:1:4: expected " at the end of the string, got the end of the line'],
    [String.raw`a: "xy\q"`, String.raw`text:1:7: expected an escape such as \n, \" or \x41, got \q`],
    ['a: 12ab', 'text:1:4: expected a number, got 12ab'],
    ['a: -x', 'text:1:5: expected a number after -, got x'],
    ['[ext.a]: 1', 'text:1:1: expected the name of a field (extensions in brackets are not read), got ['],
    ['é: 1', 'text:1:1: expected a field, a value or a comment that begins with #, got "é"'],
  ];
  for (const [text, problem] of cases) assert.equal(problemOf(text), problem);
});

test('a message in a message in a message … ends at a limit', () => {
  assert.match(problemOf('a{'.repeat(100_000)), /expected at most 64 messages in one another/);
  assert.match(problemOf('#'.repeat(2_000_000)), /expected at most 1048576 bytes/);
});

test('any text gives fields or a problem with a place in the text', () => {
  const piece = fc.oneof(
    fc.constantFrom(
      'a',
      'b_1',
      ':',
      '{',
      '}',
      '<',
      '>',
      '[',
      ']',
      ',',
      ';',
      '-',
      '"',
      "'",
      '\\',
      '\n',
      ' ',
      '#',
      '0',
      '1.5',
      'é',
      '"s"',
    ),
    fc.string({ unit: 'binary', maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      const text = pieces.join('');
      const parsed = parseTextFormat(text);
      if (parsed.kind === 'fields') return;
      const { line = 0, column = 0 } = parsed.problem;
      const lines = text.split('\n');
      assert.ok(line >= 1 && line <= lines.length, `line ${line} of ${lines.length}`);
      assert.ok(column >= 1 && column <= (lines[line - 1] ?? '').length + 1, `column ${column}`);
    }),
    { numRuns: 500 },
  );
});

/** Messages as values, printed in a style that is drawn too. */
const name = fc.constantFrom('a', 'bb', 'c_1');
const scalar = fc.oneof(
  fc.integer().map(String),
  fc.string({ unit: 'grapheme' }).map((text) => JSON.stringify(text.replaceAll(/[\n\r]/g, ''))),
  fc.constantFrom('true', 'TYPE_FP32', '-inf', '1.5e-3'),
);
const tree = fc.letrec<{ message: Plain; value: unknown }>((tie) => ({
  message: fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }),
  value: fc.oneof({ depthSize: 'small' }, scalar, tie('message')),
})).message;

function print(fields: Plain, style: () => number): string {
  const printed = fields.map(([field, value]) => {
    if (typeof value === 'string') return `${field}${' '.repeat(style() % 2)}:${value}`;
    const [open, close] = style() % 2 === 0 ? '{}' : '<>';
    return `${field}${style() % 2 === 0 ? ':' : ''} ${open}${print(value as Plain, style)}${close}`;
  });
  return printed.map((one) => one + ([' ', ',', ';', ' # x\n'][style() % 4] ?? '')).join(' ');
}

test('what is printed in any style is read as it was', () => {
  fc.assert(
    fc.property(tree, fc.integer({ min: 1 }), (fields, seed) => {
      let state = seed;
      const style = (): number => (state = (state * 48_271) % 2_147_483_647);
      assert.deepEqual(fieldsOf(print(fields, style)), fields);
    }),
  );
});
