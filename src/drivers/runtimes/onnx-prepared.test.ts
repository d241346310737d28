import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { generateModel } from '../../onnx/generate.ts';
import { zeros } from '../../runner/rows.ts';
import { subscribe } from '../../telemetry/events.ts';
import { until } from '../../testing/until.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { prepareOnnx } from './onnx-prepare.ts';
import { openPreparedFiles } from './onnx-prepared.ts';
import { loadOnnx } from './onnx.ts';

const { signal } = new AbortController();

/** A folder with models, a cache beside them, and what the cache has told. */
function world(t: TestContext, more: { bytesMax?: number; processor?: string; fails?: boolean } = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-prepared-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const told: string[] = [];
  t.after(subscribe('flyball:control', ({ action, subject }) => told.push(`${action}: ${subject}`)));
  const clock = createVirtualClock();
  const cache = join(folder, 'prepared');
  let made = 0;
  const open = (processor = 'this one') =>
    openPreparedFiles({
      folder: cache,
      bytesMax: more.bytesMax ?? 1e9,
      clock,
      processor,
      runtimeVersion: '1',
      async prepare(order, aborted) {
        made += 1;
        if (more.fails === true) throw new Error('Op Foo is not registered');
        await prepareOnnx(order, aborted);
      },
    });
  const launch = (name: string) => {
    const path = join(folder, `${name}.onnx`);
    if (!existsSync(path)) writeFileSync(path, generateModel('mlp', 1));
    return {
      replica: `${name}-1`,
      model: name,
      version: '1',
      digest: `sha256:${name}`,
      runtime: { kind: 'onnx', path, threads: 1, spinning: false, graphOptimisation: 'all', memoryArena: true },
      warmUp: { batchSizes: [1, 2], budgetMs: 100, samples: [] },
    } as const satisfies Parameters<ReturnType<typeof open>['equip']>[0];
  };
  const files = (ending: string): string[] =>
    existsSync(cache) ? readdirSync(cache).filter((name) => name.endsWith(ending)) : [];
  return { folder, cache, clock, open, launch, told, files, made: () => made };
}

const preparedOf = (launch: { runtime: object }): string | undefined =>
  'prepared' in launch.runtime ? (launch.runtime.prepared as string | undefined) : undefined;

async function prepared(t: TestContext, more: Parameters<typeof world>[1] = {}) {
  const here = world(t, more);
  const files = here.open();
  t.after(() => files[Symbol.asyncDispose]());
  const plain = here.launch('a');
  files.ready(files.equip(plain));
  here.clock.pass(2000);
  await until('the file', () => here.files('.json').length === 1);
  return { ...here, prepared: files, plain };
}

test('the first start finds nothing; after it was ready, the next gets a file with the same answers', async (t) => {
  const { prepared: files, plain } = await prepared(t);
  const path = preparedOf(files.equip(plain));
  assert.ok(path !== undefined && existsSync(path));
  await using before = await loadOnnx(plain.runtime, signal);
  await using after = await loadOnnx({ ...plain.runtime, prepared: path }, signal);
  assert.deepEqual(after.signature, before.signature);
  const inputs = () => before.signature.inputs.map((spec) => zeros(spec));
  assert.deepEqual((await after.run(inputs())).outputs, (await before.run(inputs())).outputs);
});

test('nothing is made while the replica that has just become ready may need the cores', async (t) => {
  const here = world(t);
  await using files = here.open();
  files.ready(files.equip(here.launch('a')));
  here.clock.pass(1999);
  assert.equal(here.made(), 0);
});

test('a file is made once, however many replicas become ready', async (t) => {
  const { prepared: files, plain, made, clock } = await prepared(t);
  files.ready(files.equip(plain));
  files.ready(plain);
  clock.pass(10_000);
  assert.equal(made(), 1);
});

test('another processor and another level of optimisation have files of their own', async (t) => {
  const { open, plain } = await prepared(t);
  await using elsewhere = open('another one');
  assert.equal(preparedOf(elsewhere.equip(plain)), undefined);
  await using here = open();
  assert.notEqual(preparedOf(here.equip(plain)), undefined);
  assert.equal(
    preparedOf(here.equip({ ...plain, runtime: { ...plain.runtime, graphOptimisation: 'basic' } })),
    undefined,
  );
});

test('a file that was changed or never finished is removed, told of once, and not given to anybody', async (t) => {
  const { prepared: files, plain, told } = await prepared(t);
  const path = preparedOf(files.equip(plain)) as string;
  appendFileSync(path, 'x');
  assert.equal(preparedOf(files.equip(plain)), undefined);
  assert.equal(existsSync(path), false);
  writeFileSync(path, 'half');
  assert.equal(preparedOf(files.equip(plain)), undefined);
  assert.equal(preparedOf(files.equip(plain)), undefined);
  assert.deepEqual(told, ['prepare a file: a:1', 'remove a prepared file: a:1', 'remove a prepared file: a:1']);
});

test('damage that nobody noticed costs a start nothing: the model itself is loaded and the file made anew', async (t) => {
  const { prepared: files, plain, told, clock } = await prepared(t);
  const given = files.equip(plain);
  const path = preparedOf(given) as string;
  const { size } = statSync(path);
  writeFileSync(path, Buffer.alloc(size, 0xff));
  writeFileSync(path.replace(/ort$/, 'json'), JSON.stringify({ bytes: size, mtimeMs: statSync(path).mtimeMs }));
  assert.equal(preparedOf(files.equip(plain)), path);
  await using model = await loadOnnx(given.runtime as Parameters<typeof loadOnnx>[0], signal);
  assert.equal((await model.run(model.signature.inputs.map((spec) => zeros(spec)))).outputs.length, 1);
  files.ready(given);
  assert.equal(told.at(-1), 'remove a prepared file: a:1');
  clock.pass(2000);
  await until('a new one', () => existsSync(path));
  assert.notEqual(readFileSync(path)[0], 0xff);
});

test('a replica that died with a file before it was ready leaves none for the next', async (t) => {
  const { prepared: files, plain, told } = await prepared(t);
  files.suspect(files.equip(plain), 'killed by SIGSEGV');
  assert.equal(preparedOf(files.equip(plain)), undefined);
  assert.equal(told.at(-1), 'remove a prepared file: a:1');
});

test('a model of which none can be made is told of once and loaded as it is', async (t) => {
  const here = world(t, { fails: true });
  await using files = here.open();
  for (let start = 0; start < 3; start += 1) {
    files.ready(files.equip(here.launch('a')));
    here.clock.pass(2000);
    await until('the attempt', () => here.told.length === 1);
  }
  assert.deepEqual(here.told, ['prepare no file: a:1']);
  assert.deepEqual(here.files('.new'), []);
});

test('over its bytes the files that were not used for longest go', async (t) => {
  const here = world(t, { bytesMax: 7000 });
  await using files = here.open();
  for (const [index, name] of ['a', 'b'].entries()) {
    files.ready(files.equip(here.launch(name)));
    here.clock.pass(2000);
    await until('the file', () => here.files('.json').length === index + 1);
  }
  here.clock.pass(60_000);
  files.equip(here.launch('a'));
  files.ready(files.equip(here.launch('c')));
  here.clock.pass(2000);
  await until('the third', () => here.told.length === 3);
  const kept = ['a', 'b', 'c'].filter((name) => preparedOf(files.equip(here.launch(name))) !== undefined);
  assert.deepEqual(kept, ['a', 'c']);
});

test('what a replica has measured is known to the next one with the same settings only', async (t) => {
  const here = world(t);
  await using files = here.open();
  const { warmUp } = files.equip(here.launch('a'));
  assert.equal(warmUp.known, undefined);
  writeFileSync(warmUp.leaveAt as string, JSON.stringify([{ rows: 1, ms: 0.5 }]));
  assert.deepEqual(files.equip(here.launch('a')).warmUp.known, [{ rows: 1, ms: 0.5 }]);
  const plain = here.launch('a');
  assert.equal(files.equip({ ...plain, runtime: { ...plain.runtime, threads: 2 } }).warmUp.known, undefined);
  writeFileSync(warmUp.leaveAt as string, '[{"rows":0}]');
  assert.equal(files.equip(plain).warmUp.known, undefined);
});

test('a folder that cannot be made is no reason not to start', async (t) => {
  const here = world(t);
  writeFileSync(here.cache, 'a file');
  await using files = here.open();
  assert.deepEqual(files.equip(here.launch('a')), here.launch('a'));
});
