/**
 * Every verb of the command line's own table against a platform that runs: its JSON keeps to a schema, piped it writes no
 * escape code and asks nothing, and each outcome has its exit code, its last line and its JSON, which agree.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import * as z from 'zod';
import { nodeView } from '../../src/api/node-schemas.ts';
import { rehearsalReport, rehearsalView } from '../../src/api/rehearsal-schemas.ts';
import {
  alertsView,
  approvalView,
  deploymentView,
  governorView,
  journalEntry,
  keyView,
  modelView,
  modeView,
  operationView,
  planView,
  statusView,
  whyView,
  type OperationView,
} from '../../src/api/schemas.ts';
import { exitCodes, type ExitName } from '../../src/cli/exit-codes.ts';
import { main } from '../../src/cli/main.ts';
import { verbs } from '../../src/cli/verb-table.ts';
import { stringTerminal, type StringTerminalOptions } from '../../src/testing/string-terminal.ts';
import { v2 } from '../support/ask.ts';
import { firstAlone } from '../support/complaint-platform.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import * as own from '../support/verb-schemas.ts';

const simulated = (serviceMs: number): string => `
platform: simulated
warmUp: { batchSizes: [1], budgetMs: 1 }
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: ${serviceMs}
`;
const shown = verbs.filter(({ hidden }) => hidden !== true);
const takesFormat = shown.filter(({ options }) => options['output'] !== undefined);

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

describe('every verb', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-verbs-'));
  const input = join(folder, 'in.json');
  const changed = join(folder, 'changed.yaml');
  let platform: Platform;
  before(async () => {
    writeFileSync(input, v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }));
    const scaling = { policy: 'fixed', parameters: { count: 2 }, mode: 'approve', modeReason: 'a test' };
    platform = await startPlatform({
      models: { 'quick/model.yaml': simulated(1), 'long/model.yaml': simulated(2500) },
      specification: {
        models: {
          quick: { path: './models/quick' },
          long: { path: './models/long' },
          stalled: { server: firstAlone(folder, 'stalled') },
        },
        deployments: {
          quick: { model: 'quick', replicas: { min: 1, max: 3 } },
          asked: { model: 'quick', replicas: { min: 1, max: 3 }, scaling },
          long: { model: 'long', deadline: { defaultMs: 30_000 } },
          stalled: { model: 'stalled', replicas: { min: 1, max: 3 } },
        },
      },
    });
    await platform.serving();
    writeFileSync(
      changed,
      `models: { quick: { path: ${platform.folder}/models/quick } }\ndeployments: { quick: { model: quick, replicas: { min: 1, max: 2 } } }\n`,
    );
    await until('a change that waits', async () =>
      ((await platform.status()).governor?.approvals.length ?? 0) > 0 ? true : undefined,
    );
  });
  after(async () => {
    await platform?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  /** In this process: what a shell adds is held by the tests of bin and cli. */
  async function flyball(
    args: readonly string[],
    options: StringTerminalOptions & { interruptMs?: number } = {},
  ): Promise<Ran> {
    const { interruptMs, ...rest } = options;
    const terminal = stringTerminal({
      cwd: folder,
      ...rest,
      env: { FLYBALL_URL: platform.control, FLYBALL_DATA_DIR: platform.dataDirectory, ...rest.env },
    });
    const timer = interruptMs === undefined ? undefined : setTimeout(() => terminal.interrupt(), interruptMs);
    const code = await main(args, terminal);
    clearTimeout(timer);
    return { code, out: terminal.out(), err: terminal.err() };
  }
  const waiting = async (): Promise<string> =>
    until('a change that waits', async () => (await platform.status()).governor?.approvals[0]?.id);

  /** One good call of each verb that takes a format, and what its JSON is. In an order in which each finds what it needs. */
  const copies = { count: 0 };
  const good: readonly (readonly [
    string,
    () => Promise<readonly string[]> | readonly string[],
    z.ZodType,
    ExitName?,
  ])[] = [
    ['plan', () => [platform.specificationPath], planView],
    ['deploy', () => [platform.specificationPath], own.deployed],
    ['scale', () => ['quick', '2'], own.scaled],
    ['status', () => [], statusView],
    ['status', () => ['quick'], deploymentView],
    ['why', () => ['quick'], whyView],
    ['mode', () => ['quick', 'auto', '--reason', 'a test'], modeView],
    ['halt', () => ['quick', '--reason', 'a test'], governorView],
    ['halt', () => ['quick', '--release', '--reason', 'over'], governorView],
    ['approve', () => [], z.array(approvalView), 'approval'],
    ['reject', async () => [await waiting()], approvalView],
    ['alerts', () => [], alertsView],
    ['journal', () => ['--limit', '5'], z.array(journalEntry)],
    ['models', () => [], z.array(modelView)],
    ['models', () => ['alias', 'quick', 'champion', '1'], operationView],
    ['infer', () => ['quick', input], own.inferred],
    ['load', () => ['quick', '--callers', '1', '--duration', '200ms'], own.loaded],
    [
      'rehearse',
      () => ['--trace', 'shape:constant', '--duration', '1m', '--policies', 'slo', '--max', '4'],
      rehearsalReport,
    ],
    ['rehearsals', () => [], z.array(rehearsalView)],
    ['nodes', () => [], z.array(nodeView)],
    ['keys', () => [], z.array(keyView)],
    ['backup', () => [join(folder, `copy-${(copies.count += 1)}`)], own.copied],
    [
      'restore',
      () => [join(folder, 'copy-1'), '--data-dir', join(folder, `restored-${(copies.count += 1)}`)],
      own.copied,
    ],
    ['doctor', () => [], own.doctored],
    ['explain', () => ['queue'], own.explained],
  ];

  test('with -o json each keeps to its schema, and names no field that the schema does not', async () => {
    assert.deepEqual(
      [...new Set(good.map(([verb]) => verb))].toSorted(),
      takesFormat.map(({ name }) => name).toSorted(),
      'a verb that takes -o has no row here',
    );
    for (const [verb, words, schema, ends = 'done'] of good) {
      const args = [verb, ...(await words()), '-o', 'json'];
      const { code, out, err } = await flyball(args);
      // A machine may lack something that doctor looks for.
      if (verb !== 'doctor') assert.equal(code, exitCodes[ends], `${args.join(' ')}: ${err}`);
      const value: unknown = JSON.parse(out);
      assert.deepEqual(schema.parse(value), value, args.join(' '));
      const { operation } = value as { operation?: OperationView };
      if (operation !== undefined) assert.equal(operation.state, 'succeeded', args.join(' '));
    }
  });

  test('with -o ndjson each line is JSON, and so it is with -w, of a change as it comes', async () => {
    for (const [verb, words] of good.filter(([name]) => !['reject', 'doctor'].includes(name))) {
      const args = [verb, ...(await words()), '-o', 'ndjson'];
      const { out, err } = await flyball(args);
      for (const line of out.split('\n').filter(Boolean))
        assert.doesNotThrow(() => JSON.parse(line), `${args.join(' ')}: ${line} ${err}`);
    }
    for (const args of [
      ['status', '-w', '-o', 'ndjson'],
      ['status', 'quick', '-w', '-o', 'ndjson'],
      ['journal', '-f', '--since', '1h', '-o', 'ndjson'],
    ]) {
      const { code, out } = await flyball(args, { interruptMs: 1200 });
      assert.equal(code, exitCodes.interrupted, args.join(' '));
      const lines = out.trim().split('\n');
      assert.ok(lines.length >= 1 && lines[0] !== '', args.join(' '));
      const schema = args[0] === 'journal' ? journalEntry : args[1] === 'quick' ? deploymentView : statusView;
      for (const line of lines) schema.parse(JSON.parse(line));
    }
  });

  test('piped, and on a terminal with NO_COLOR: no escape code, no prompt, no spinner', async () => {
    const rows = [
      ...good.filter(([name]) => name !== 'reject'),
      ['init', () => ['--force']] as const,
      ['completion', () => ['bash']] as const,
      ['models', () => ['remove', 'nobody']] as const,
    ];
    // Starting and stopping whole platforms is for cli.test.ts, whose processes are piped.
    const elsewhere = ['up', 'down', 'reject'];
    assert.deepEqual(
      shown.map(({ name }) => name).filter((name) => !rows.some(([verb]) => verb === name)),
      elsewhere,
    );
    for (const [verb, words] of rows)
      for (const options of [{}, { isTTY: true, env: { NO_COLOR: '1' } }]) {
        const args = [verb, ...(await words())];
        const { out, err } = await flyball(args, options);
        // eslint-disable-next-line no-control-regex -- control characters are what is looked for
        assert.doesNotMatch(out + err, /[\u001B\r\u0008]/, `${args.join(' ')}: ${JSON.stringify(out + err)}`);
        assert.doesNotMatch(out + err, /[|/\\⠋⠙⠹⠸]\s*$/, args.join(' '));
        // What would be typed is asked for on a terminal alone.
        if (options.isTTY !== true) assert.doesNotMatch(err, /Type .* to go on|\[y\/N\]/i, args.join(' '));
      }
    const { stdout, stderr } = platform.output();
    assert.ok(!(stdout + stderr).includes('\u001B'), 'up');
  });

  /** What a verb is told by the catalogue ends with its code and where it is documented; whatever is wrong, stdout is silent. */
  function assertRefused({ code, out, err }: Ran, ends: ExitName, args: readonly string[], says: RegExp): void {
    const words = args.join(' ');
    assert.equal(code, exitCodes[ends], `${words}: ${err}`);
    assert.ok(verbs.find(({ name }) => name === args[0])?.exits.includes(ends), `${words}: ${ends} is not in its help`);
    assert.equal(out, '', words);
    assert.match(err, new RegExp(`^flyball ${args[0]}: `, 'm'), words);
    assert.match(err.trimEnd().split('\n').at(-1) ?? '', says, `${words}: ${err}`);
  }

  test('wrong usage is 2 for every verb, with JSON asked for or not', async () => {
    for (const { name } of shown)
      for (const more of [[], ['-o', 'json']]) {
        const args = [name, '--no-such-option', ...more];
        assertRefused(await flyball(args), 'usage', args, /help|did you mean/);
      }
  });

  test('a platform that is not there is 5 for every verb that asks one', async () => {
    const asking = shown.filter(({ exits }) => exits.includes('unreachable')).map(({ name }) => name);
    const words: Readonly<Record<string, readonly string[]>> = {
      plan: [changed],
      deploy: [changed],
      scale: ['quick', '1'],
      reject: ['1'],
      infer: ['quick', input],
      load: ['quick', '--duration', '200ms'],
      rehearse: ['quick'],
      ...Object.fromEntries(['why', 'mode'].map((name) => [name, ['quick']])),
    };
    for (const name of asking) {
      const args = [name, ...(words[name] ?? []), '-o', 'json'];
      const ran = await flyball(args, { env: { FLYBALL_URL: 'http://127.0.0.1:1' } });
      assertRefused(ran, 'unreachable', args, /UNREACHABLE: /);
    }
  });

  test('what is not there is 1, what a bound refuses 8, a plan with changes 3, what waits for somebody 4', async () => {
    mkdirSync(join(folder, 'full'));
    writeFileSync(join(folder, 'full', 'a'), '');
    const nobody = [
      ['scale', 'nobody', '1'],
      ['status', 'nobody'],
      ['why', 'nobody'],
      ['mode', 'nobody'],
      ['load', 'nobody'],
    ];
    const rows: readonly (readonly [ExitName, readonly string[], RegExp])[] = [
      ...nobody.map((args) => ['failed', args, /_NOT_FOUND: /] as const),
      ['failed', ['halt', 'nobody', '--reason', 'a test'], /_NOT_FOUND: /],
      ['failed', ['down', 'nobody'], /_NOT_FOUND: /],
      ['failed', ['infer', 'nobody', input], /[A-Z_]+: /],
      ['failed', ['models', 'show', 'nobody'], /MODEL_NOT_FOUND: /],
      ['failed', ['models', 'remove', 'nobody', '--yes'], /MODEL_NOT_FOUND: /],
      ['failed', ['approve', 'nobody'], /[A-Z_]+: /],
      ['failed', ['reject', 'nobody'], /[A-Z_]+: /],
      ['failed', ['journal', 'show', '99999999'], /[A-Z_]+: /],
      ['failed', ['rehearsals', 'show', '0000'], /[A-Z_]+: /],
      ['failed', ['keys', 'revoke', '000000000000'], /KEY_NOT_FOUND: /],
      ['usage', ['backup', join(folder, 'full')], /name another folder/],
      ['usage', ['explain', 'replicsa'], /explain/],
      ['refused', ['scale', 'quick', '9'], /OUT_OF_BOUNDS: /],
      ['refused', ['deploy', 'quick', '--replicas', '9'], /OUT_OF_BOUNDS: /],
    ];
    for (const [ends, args, says] of rows) {
      const more = args[0] === 'down' ? [] : ['-o', 'json'];
      assertRefused(await flyball([...args, ...more]), ends, args, says);
    }
    const plan = await flyball(['plan', changed, '-o', 'json']);
    assert.equal(plan.code, exitCodes.changes, plan.err);
    assert.ok(planView.parse(JSON.parse(plan.out)).changes.length > 0);
    const ill = await flyball(['approve', 'nobody']);
    assert.equal(ill.code, exitCodes.failed);
  });

  test('nothing hangs past its --timeout: 6, and what was asked for goes on; Ctrl-C is 130', async () => {
    const timed: readonly (readonly string[])[] = [
      ['scale', 'stalled', '3', '--timeout', '500ms'],
      ['deploy', 'stalled', '--replicas', '3', '--timeout', '500ms'],
      ['infer', 'long', input, '--timeout', '200ms'],
    ];
    for (const args of timed)
      assertRefused(await flyball([...args, '-o', 'json']), 'timedOut', args, /(?:TIMED_OUT|DEADLINE_EXCEEDED): /);
    const interrupted: readonly (readonly string[])[] = [
      ['scale', 'stalled', '3'],
      ['deploy', 'stalled', '--replicas', '3'],
      ['status', '-w'],
      ['journal', '-f'],
      ['infer', 'long', input],
      ['load', 'quick', '--callers', '1', '--duration', '1h'],
    ];
    for (const args of interrupted) {
      const { code, err } = await flyball(args, { interruptMs: 700 });
      assert.equal(code, exitCodes.interrupted, `${args.join(' ')}: ${err}`);
      assert.ok(verbs.find(({ name }) => name === args[0])?.exits.includes('interrupted'), args.join(' '));
    }
    const ended = await flyball(['down', 'long', '--timeout', '1ms']);
    assertRefused(ended, 'timedOut', ['down'], /TIMED_OUT: /);
  });
});
