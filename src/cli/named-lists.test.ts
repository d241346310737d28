import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from './exit-codes.ts';
import { parseNamedList } from './named-lists.ts';

test('names with their settings, commas between both', () => {
  assert.deepEqual(
    parseNamedList('slo,hpa:cpuPercent=70, tolerance=0.05,kpa:metric=rps,weighted=true,slo', '--policies'),
    [
      { name: 'slo', given: {} },
      { name: 'hpa', given: { cpuPercent: 70, tolerance: 0.05 } },
      { name: 'kpa', given: { metric: 'rps', weighted: true } },
      { name: 'slo', given: {} },
    ],
  );
});

test('brackets and quotes keep their commas', () => {
  const windows = '[{"start":"0 8 * * 1,2","end":"0 18 * * *","count":4}]';
  assert.deepEqual(parseNamedList(`cron:windows=${windows},otherwise=2`, '--policies'), [
    { name: 'cron', given: { windows: JSON.parse(windows), otherwise: 2 } },
  ]);
});

test('what is no list is refused with what was expected', () => {
  const refused = (text: string, message: RegExp): void => {
    assert.throws(
      () => parseNamedList(text, '--policies'),
      (error: unknown) => error instanceof UsageError && message.test(error.message),
      text,
    );
  };
  refused('', /--policies expects NAME or NAME:KEY=VALUE with commas between them, got nothing/);
  refused('hpa,,kpa', /got nothing/);
  refused('hpa:', /got hpa:/);
  refused('hpa:70', /got hpa:70/);
  refused('cpuPercent=70', /expects a name before cpuPercent=70, such as hpa:cpuPercent=70/);
  refused('cron:windows=[1,2', /a bracket or a quote is not closed/);
});
