import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { answerText } from './answer-text.ts';
import { parseDurationMs } from './arguments.ts';
import { UsageError } from './exit-codes.ts';
import { main } from './main.ts';
import { modelName } from './model-name.ts';
import { displayWidth, table, toJson } from './output.ts';
import { hasColour, hasUnicode, symbolsOf } from './terminal.ts';
import { byteSize, significant } from '../units.ts';
import { verbs } from './verb-table.ts';
import { namePattern } from '../config/specification.ts';
import { stringTerminal } from '../testing/string-terminal.ts';

const command = fileURLToPath(new URL('../../bin/flyball.js', import.meta.url));

async function flyball(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const terminal = stringTerminal();
  return { code: await main(args, terminal), out: terminal.out(), err: terminal.err() };
}

for (const verb of verbs) {
  test(`\`${verb.name} --help\` opens with two examples of itself and ends with its exit codes`, async () => {
    const { code, out, err } = await flyball(verb.name, '--help');
    assert.equal(code, 0);
    assert.equal(err, '');
    const [first, second] = out.split('\n');
    for (const line of [first, second]) assert.match(line ?? '', new RegExp(`flyball ${verb.name}`));
    assert.match(out, /^Exit codes:\n {2}0 +done, healthy/m);
    for (const [name, option] of Object.entries(verb.options))
      assert.equal(out.includes(`--${name}`), option.hidden !== true, name);
  });
}

test('help lists every verb that is not hidden, and the verb `help` shows one', async () => {
  const { code, out } = await flyball('--help');
  assert.equal(code, 0);
  for (const verb of verbs)
    assert.equal(new RegExp(`^ {2}${verb.name} `, 'm').test(out), verb.hidden !== true, verb.name);
  assert.equal((await flyball('help', 'status')).out, (await flyball('status', '--help')).out);
});

test('without a verb the help goes to stderr, for there is no data', async () => {
  const { code, out, err } = await flyball();
  assert.deepEqual([code, out], [2, '']);
  assert.match(err, /^Verbs/m);
});

test('an unknown verb, option or choice exits 2 and names the nearest', async () => {
  const wrong: readonly (readonly [string[], RegExp])[] = [
    [['statsu'], /did you mean flyball status\?/],
    [['--versoin'], /not an option of flyball itself/],
    [['status', '--wtach'], /did you mean --watch\?/],
    [['status', '-o', 'jsno'], /one of table, json.*\n.*did you mean json\?/],
    [['status', '--watch=yes'], /takes no value/],
    [['status', '-o'], /expects a value: -o FORMAT/],
    [['status', '--url', '--watch'], /--url expects a value/],
    [['status', 'a', 'b'], /does not take b/],
    [['infer', 'digits'], /expects FILE/],
    [['models', 'lsit'], /did you mean models list\?/],
    [['completion', 'powershell'], /expects bash, zsh or fish/],
    [['load', 'digits', '--callers', '0'], /whole number from 1/],
    [['load', 'digits', '--callers', '4', '--rate', '5/s'], /closed loop.*open one/],
    [['load', 'digits', '--rate', 'fast'], /a rate such as 200\/s/],
    [['load', 'digits', '--shape', 'flash', '--peak', '9/s'], /--peak N\/s expects --rate/],
    [['load', 'digits', '--duration', '10'], /a duration such as/],
    [['deploy', 'model.onnx', '--slo', 'p50=1ms'], /p99=TIME/],
    [['deploy', 'spec.yaml', '--max', '3'], /written down/],
    [['runner'], /a model file, --launch or --task/],
  ];
  for (const [args, message] of wrong) {
    const { code, out, err } = await flyball(...args);
    assert.equal(code, 2, `${args.join(' ')}: ${err}`);
    assert.equal(out, '');
    assert.match(err, message);
  }
});

test('completion scripts name every verb, and bash and zsh can read theirs', async () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await flyball('completion', shell);
    assert.equal(code, 0);
    for (const verb of verbs) assert.equal(out.includes(verb.name) || verb.hidden === true, true);
    const checked = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' });
    if (checked.error === undefined) assert.equal(checked.status, 0, `${shell}: ${checked.stderr}`);
  }
});

test('names for completion are silent when the server is not there', async () => {
  assert.deepEqual(await flyball('__names', 'deployments', '--url', 'http://127.0.0.1:1'), {
    code: 0,
    out: '',
    err: '',
  });
});

test('the command itself prints its version, and passes on the exit code', () => {
  const version = spawnSync(process.execPath, [command, '--version'], { encoding: 'utf8' });
  assert.deepEqual([version.status, version.stderr], [0, '']);
  assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  const wrong = spawnSync(process.execPath, [command, 'statsu'], { encoding: 'utf8' });
  assert.deepEqual([wrong.status, wrong.stdout], [2, '']);
});

test('a reader that goes away ends the output quietly', () => {
  const piped = spawnSync('sh', ['-c', `"${process.execPath}" "${command}" load --help | head -1`], {
    encoding: 'utf8',
  });
  assert.equal(piped.stderr, '');
  assert.match(piped.stdout, /flyball load/);
});

test('colour: FORCE_COLOR before NO_COLOR before CLICOLOR and TERM before the terminal itself', () => {
  const stream = (isTTY: boolean) => ({ isTTY, columns: 80, rows: 24, write: () => {} });
  assert.equal(hasColour(stream(true), {}), true);
  assert.equal(hasColour(stream(false), {}), false);
  assert.equal(hasColour(stream(true), { NO_COLOR: '1' }), false);
  assert.equal(hasColour(stream(true), { NO_COLOR: '' }), true);
  assert.equal(hasColour(stream(true), { TERM: 'dumb' }), false);
  assert.equal(hasColour(stream(true), { CLICOLOR: '0' }), false);
  assert.equal(hasColour(stream(false), { FORCE_COLOR: '1', NO_COLOR: '1' }), true);
  assert.equal(hasColour(stream(true), { FORCE_COLOR: '0' }), false);
});

test('the first locale variable that is set decides about Unicode', () => {
  assert.equal(hasUnicode({ LANG: 'de_DE.UTF-8' }), true);
  assert.equal(hasUnicode({ LC_ALL: 'C', LANG: 'de_DE.UTF-8' }), false);
  assert.equal(hasUnicode({ LC_ALL: '', LANG: 'C.utf8' }), true);
  assert.equal(hasUnicode({}, 'linux'), false);
});

test('a table aligns its columns by what the terminal shows, and leaves no space at a line end', () => {
  const cell = fc.string({ unit: fc.constantFrom('a', 'é', '語', '–', ' ') });
  fc.assert(
    fc.property(fc.array(fc.tuple(cell, cell), { maxLength: 8 }), (rows) => {
      const text = table(
        [
          { header: 'ONE', cell: (row: readonly [string, string]) => row[0] },
          { header: 'TWO', align: 'right', cell: (row) => `${row[1]}|` },
        ],
        rows,
      );
      const lines = text.trimEnd().split('\n');
      assert.equal(lines.length, rows.length + 1);
      assert.equal(new Set(lines.slice(1).map(displayWidth)).size <= 1, true);
      for (const line of lines) assert.doesNotMatch(line, / $/);
    }),
  );
});

test('integers beyond 2^53 are strings in JSON, the others numbers', () => {
  assert.equal(toJson({ a: 5n, b: 2n ** 60n }), '{"a":5,"b":"1152921504606846976"}');
});

test('durations need their unit', () => {
  assert.deepEqual(
    ['250ms', '1.5s', '5m', '2h'].map((text) => parseDurationMs(text, 'it')),
    [250, 1500, 300_000, 7_200_000],
  );
  for (const text of ['5', '', 'm', '-1s', '1d']) assert.throws(() => parseDurationMs(text, 'it'), UsageError);
});

test('a model is named by its file or folder, never by a version folder, and always by a valid name', () => {
  assert.deepEqual(
    ['models/digits.onnx', 'digits/1/model.onnx', '/srv/digits/', 'my model (2).onnx', '/model.onnx'].map(modelName),
    ['digits', 'digits', 'digits', 'my-model-2', 'model'],
  );
  fc.assert(fc.property(fc.string(), (path) => assert.match(modelName(path), namePattern)));
});

test('an answer that nobody knows the form of is printed whole', () => {
  const symbols = symbolsOf({ LANG: 'C.UTF-8' });
  assert.equal(answerText({ text: 'governor', score: 0.9 }, symbols, 80), 'governor  0.9000\n');
  assert.equal(answerText({ one: 0.2, seven: 0.8 }, symbols, 80).split('\n')[0]?.startsWith('seven'), true);
  assert.equal(answerText({ odd: ['form'] }, symbols, 80), '{\n  "odd": [\n    "form"\n  ]\n}\n');
  fc.assert(fc.property(fc.jsonValue(), (value) => assert.ok(answerText(value, symbols, 80).endsWith('\n'))));
});

test('figures have three significant digits and their unit', () => {
  assert.deepEqual([0.1234, 1.234, 12.34, 123.4, 1234, 0].map(significant), [
    '0.123',
    '1.23',
    '12.3',
    '123',
    '1234',
    '0',
  ]);
  assert.deepEqual([0, 1023, 1024, 121_000, 5 * 1024 ** 3].map(byteSize), [
    '0 B',
    '1023 B',
    '1 KiB',
    '118 KiB',
    '5 GiB',
  ]);
});
