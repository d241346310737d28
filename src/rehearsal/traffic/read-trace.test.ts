import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readTrace, TraceError, type ReadOptions } from './read-trace.ts';
import { meanRate, perSecond, scaledTo } from './traffic.ts';

const refused = (text: string, problem: RegExp, options?: ReadOptions): void => {
  assert.throws(
    () => readTrace('trace.csv', text, options),
    (error: unknown) => error instanceof TraceError && problem.test(error.message),
    `${JSON.stringify(text)} should fail with ${problem}`,
  );
};

test('columns of requests a second are read by name', () => {
  const text = 'second,a,b\n0,1,10\n1,2,20.5\r\n2,3,30\n\n';
  const { name, slotMs, counts } = readTrace('four.csv', text, { column: 'b' });
  assert.equal(name, 'four.csv#b');
  assert.equal(slotMs, 1000);
  assert.deepEqual([...counts], [10, 20.5, 30]);
  assert.deepEqual([...readTrace('one.csv', 'second,rate\n5,1\n6,2\n').counts], [1, 2]);
  refused(text, /^line 1: it has 2 columns, name one of them: a, b$/);
  refused(text, /^line 1: it has no column c, expected one of a, b$/, { column: 'c' });
});

test('requests a minute are read whatever their column is called', () => {
  const traffic = readTrace('tweets.csv', 'minute,tweets\n0,120\n1,60\n');
  assert.equal(traffic.slotMs, 60_000);
  assert.equal(meanRate(traffic), 1.5);
  const seconds = perSecond(traffic);
  assert.deepEqual([seconds.length, seconds[0], seconds[119]], [120, 2, 1]);
});

test('a line a request is read to the digit, with the date of the first', () => {
  const text = [
    'TIMESTAMP,ContextTokens,GeneratedTokens',
    '2023-11-16 18:15:46.6805900,374,44',
    '2023-11-16 18:15:50.9951690,396,109',
    '2023-11-16 18:15:51.2224670,879,55',
  ].join('\n');
  const traffic = readTrace('llm.csv', text);
  assert.equal(traffic.startWallMs, Date.UTC(2023, 10, 16, 18, 15, 46, 680));
  const [first, second, third] = traffic.times ?? [];
  assert.equal(first, 0);
  assert.ok(Math.abs((second ?? 0) - 4314.579) < 1e-3 && Math.abs((third ?? 0) - 4541.877) < 1e-3);
  assert.deepEqual([...traffic.counts], [1, 0, 0, 0, 2]);
  assert.deepEqual([...(readTrace('s.csv', 'timestamp\n10\n10.5\n').times ?? [])], [0, 500]);
});

test('what does not fit is named with its line and what was expected there', () => {
  refused('', /^line 1: expected a heading that begins with second, minute or TIMESTAMP, got ""$/);
  refused('1,2\n', /^line 1: expected a heading/);
  refused('minute,requests\n', /^line 2: expected `minute,requests` in numbers, got the end$/);
  refused('minute,requests\n0,1\nabc\n', /^line 3: expected `minute,requests` in numbers, got "abc"$/);
  refused('minute,requests\n0,1\n1,many\n', /^line 3: .*got "1,many"$/);
  refused('minute,requests\n0,1\n1,0x10\n', /^line 3: /);
  refused('minute,requests\n0,1\n1,2,3\n', /^line 3: /);
  refused('minute,requests\n0,1\n\n1,2\n', /^line 3: .*got ""$/);
  refused('minute,requests\n0,1\n1.5,2\n', /^line 3: /);
  refused('minute,requests\n0,1\n1,-2\n', /^line 3: expected at least 0 under requests, got -2$/);
  refused('minute,requests\n0,1\n1,1\n1,1\n', /^line 4: expected minute 2, got 1: it goes back$/);
  refused('minute,requests\n0,1\n3,1\n', /^line 3: expected minute 1, got 3: say whether/);
  refused('minute,requests\n0,1\n1,\n', /^line 3: expected a value under requests: say whether/);
  refused('minute,requests\n0,1\n9999999999,1\n', /^line 3: a trace has at most/, { gaps: 'silence' });
  refused('TIMESTAMP\n2023-11-16 18:15:46\nsoon\n', /^line 3: expected a time such as .*, got "soon"$/);
  refused('TIMESTAMP\n2023-13-16 18:15:46\n', /^line 2: expected a time/);
  refused('TIMESTAMP\n2023-11-16 18:15:46\n2023-11-16 18:15:45\n', /^line 3: 2023-11-16 18:15:45 is before the line/);
  refused('TIMESTAMP\n1\n', /^line 1: it has a line a request/, { column: 'a' });
  refused('TIMESTAMP\n', /^line 2: expected a line a request, got the end$/);
});

test('a declared gap is time that nobody measured, with the load of its neighbours, or time in which nobody came', () => {
  const text = 'second,rate\n0,10\n1,\n4,40\n';
  const measured = readTrace('gap.csv', text, { gaps: 'telemetry' });
  assert.deepEqual([...measured.counts], [10, Number.NaN, Number.NaN, Number.NaN, 40]);
  assert.deepEqual([...measured.loads], [10, 17.5, 25, 32.5, 40]);
  const silent = readTrace('gap.csv', text, { gaps: 'silence' });
  assert.deepEqual([...silent.loads], [10, 0, 0, 0, 40]);
});

test('scaling keeps the course and has the mean that was asked for', () => {
  const traffic = scaledTo(readTrace('two.csv', 'second,rate\n0,1\n1,3\n'), 150);
  assert.deepEqual([...traffic.loads], [75, 225]);
  assert.throws(() => scaledTo(readTrace('none.csv', 'second,rate\n0,0\n'), 1), /no requests/);
});
