/**
 * Where signatures are required, what is not signed, or is not what was signed, is never loaded: not when it is offered,
 * not when it is deployed, and not when a replica starts, whatever was changed on the disk in between. What serves goes on.
 */
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, test } from 'node:test';
import type { DeploymentView, ModelView, Problem } from '../../src/api/schemas.ts';
import { makeKeyFile } from '../../src/registry/signing-keys.ts';
import { multiplier } from '../fixtures/models.ts';
import { runCli, type CliResult } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

let folder: string;
let keys: { readonly lab: string; readonly next: string; readonly stranger: string };
before(() => {
  folder = mkdtempSync(join(tmpdir(), 'flyball-signed-'));
  const key = (name: string): string => makeKeyFile(join(folder, `${name}.pem`));
  keys = { lab: key('lab'), next: key('next'), stranger: key('stranger') };
  for (const factor of [2, 3, 5]) writeFileSync(join(folder, `${factor}.onnx`), multiplier(factor));
});
after(() => rmSync(folder, { recursive: true, force: true }));

const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 1, 1, 1] }] });
const artefactOf = (dataDirectory: string, factor: number): string => {
  const hash = createHash('sha256').update(multiplier(factor)).digest('hex');
  return join(dataDirectory, 'artefacts', 'sha256', hash.slice(0, 2), hash);
};

async function start(
  trustedKeys: Readonly<Record<string, string>>,
  more: object = {},
  dataDirectory?: string,
): Promise<Platform> {
  const platform = await startPlatform({
    specification: { registry: { requireSignature: true, trustedKeys }, ...more },
    ...(dataDirectory === undefined ? {} : { dataDirectory }),
  });
  await until('control to answer', () => platform.status());
  return platform;
}

function commands(platform: Platform) {
  const cli = (...args: readonly string[]): Promise<CliResult> => runCli(args, { FLYBALL_URL: platform.control });
  const deployment = async (): Promise<DeploymentView> => {
    const [found] = (await platform.status()).deployments;
    assert.ok(found !== undefined);
    return found;
  };
  const until_ = (what: string, holds: (seen: DeploymentView) => boolean): Promise<DeploymentView> =>
    until(what, async () => {
      const seen = await deployment();
      return holds(seen) ? seen : undefined;
    });
  const factor = async (): Promise<number | undefined> => {
    const response = await fetch(`${platform.http}/v2/models/times/infer`, { method: 'POST', body: input });
    if (response.status !== 200) return undefined;
    return ((await response.json()) as { outputs: [{ data: number[] }] }).outputs[0].data[0];
  };
  /** The gateway learns of what control knows a moment later. */
  const answers = (expected: number) =>
    until(`an answer by ${expected}`, async () => ((await factor()) === expected ? true : undefined), 10_000);
  return { cli, deployment, until: until_, factor, answers };
}

test(
  'an unsigned or altered version is never loaded, by whatever way it comes; the one before keeps serving',
  { timeout: 300_000 },
  async () => {
    await using platform = await start({ lab: keys.lab });
    const { cli, answers, ...seen } = commands(platform);
    const file = (name: number): string => join(folder, `${name}.onnx`);
    const signBy = (name: string): string[] => ['--sign-key', join(folder, `${name}.pem`)];

    // Offered: refused at the door, with nothing left behind.
    const unsigned = await cli('models', 'add', 'times', file(2));
    assert.equal(unsigned.code, 1);
    assert.match(unsigned.stderr, /times:1 is not signed/);
    const stranger = await cli('models', 'add', 'times', file(2), ...signBy('stranger'));
    assert.match(stranger.stderr, /is not trusted/);
    const raw = await fetch(`${platform.control}/api/v1/models/times/versions?by=ada`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream' },
      body: new Uint8Array(multiplier(2)),
    });
    assert.equal(raw.status, 422);
    assert.equal(((await raw.json()) as Problem).code, 'SIGNATURE_REQUIRED');
    const deployed = await cli('deploy', file(2), '--name', 'times');
    assert.match(deployed.stderr, /is not signed/);

    // Signed: taken, shown, served.
    assert.equal((await cli('models', 'add', 'times', file(2), ...signBy('lab'))).code, 0);
    assert.match((await cli('models', 'show', 'times')).stdout, /SIGNED BY[\s\S]*\blab\b/);
    assert.equal((await cli('models', 'alias', 'times', 'champion', '1')).code, 0);
    const response = await fetch(`${platform.control}/api/v1/deployments/times`, {
      method: 'PUT',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ deployment: { model: 'times@champion', probationMs: 200 }, by: 'ada' }),
    });
    assert.equal(response.status, 202, await response.clone().text());
    await seen.until('version 1 to serve', ({ state }) => state === 'serving');
    await answers(2);

    // Altered on the disk after it was signed and taken: the bytes of another model under its digest.
    assert.equal((await cli('models', 'add', 'times', file(3), ...signBy('lab'))).code, 0);
    writeFileSync(artefactOf(platform.dataDirectory, 3), multiplier(5));
    {
      await using callers = startLoad({
        url: `${platform.http}/v2/models/times/infer`,
        method: 'POST',
        body: input,
        callers: 2,
      });
      const moved = await cli('models', 'alias', 'times', 'champion', '2');
      assert.equal(moved.code, 1);
      const degraded = await seen.until(
        'it to say why',
        ({ state, reason }) => state === 'degraded' && reason?.includes('failed to load') === true,
      );
      assert.match(
        degraded.reason ?? '',
        /version 2 failed to load: .*was altered: expected the bytes of sha256:.*version 1 keeps serving/,
      );
      await callers.passed(50);
      const { failures, answers: texts } = await callers.stop();
      assert.deepEqual(failures, []);
      assert.ok([...texts.keys()].every((text) => text.includes('[2,2,2,2]')));
    }
    assert.equal((await cli('models', 'alias', 'times', 'champion', '1')).code, 0);
  },
);

/** A folder of two versions that the lab has signed where it made them. */
async function signedFolder(): Promise<string> {
  const model = mkdtempSync(join(folder, 'model-'));
  for (const version of [1, 2]) mkdirSync(join(model, String(version)), { recursive: true });
  writeFileSync(join(model, '1', 'model.onnx'), multiplier(2));
  writeFileSync(join(model, '2', 'model.onnx'), multiplier(3));
  const signed = await runCli(['models', 'sign', model, '--name', 'times', '--sign-key', join(folder, 'lab.pem')]);
  assert.equal(signed.code, 0, signed.stderr);
  return model;
}

test(
  'a model that was signed where it was made is served without a key where it is served; what is altered there never loads again',
  { timeout: 300_000 },
  async () => {
    const model = await signedFolder();
    const served = {
      models: { times: { path: model, aliases: { champion: 1 } } },
      deployments: { times: { model: 'times@champion' } },
    };
    await using platform = await start({ lab: keys.lab }, served);
    await platform.serving();
    const { factor, answers, ...seen } = commands(platform);
    await answers(2);

    // The bytes of what serves are altered, and its replica dies: nothing takes its place until they are what was signed.
    writeFileSync(artefactOf(platform.dataDirectory, 2), multiplier(5));
    const [replica] = (await seen.deployment()).replicas;
    process.kill(Number(/pid (\d+)/.exec(replica?.where ?? '')?.[1]), 'SIGKILL');
    await seen.until(
      'it to say that its bytes were altered',
      ({ state, reason }) => state === 'failed' && reason?.includes('was altered') === true,
    );
    assert.equal(await factor(), undefined);
    writeFileSync(artefactOf(platform.dataDirectory, 2), multiplier(2));
    await seen.until('it to serve again', ({ state }) => state === 'serving');
    await answers(2);
    assert.equal(await platform.end('SIGTERM'), 0);

    // The record is altered: the file of another signed version under this one's number.
    const database = new DatabaseSync(join(platform.dataDirectory, 'flyball.db'));
    const recordOf = (version: number): { file: string } =>
      JSON.parse(
        String(database.prepare('SELECT record FROM versions WHERE version = ?').get(version)?.['record']),
      ) as { file: string };
    const original = recordOf(1);
    const forge = (record: object): void => {
      database.prepare('UPDATE versions SET record = ? WHERE version = 1').run(JSON.stringify(record));
    };
    forge({ ...original, file: recordOf(2).file });
    {
      await using again = await start({ lab: keys.lab }, served, platform.dataDirectory);
      const found = await commands(again).until('it to refuse', ({ state }) => state === 'failed');
      assert.match(found.reason ?? '', /times:1 is not what lab signed/);
      assert.equal(found.counts.ready, 0);
    }
    forge(original);
    database.close();

    // The key is taken away: nothing that it signed loads any more. With a second signature by the next key, it does.
    await using again = await start({ next: keys.next }, served, platform.dataDirectory);
    const found = await commands(again).until('it to refuse', ({ state }) => state === 'failed');
    assert.match(found.reason ?? '', /times:1 is signed by ed25519:.*, which is not trusted/);
    const signed = await commands(again).cli('models', 'sign', 'times', '1', '--sign-key', join(folder, 'next.pem'));
    assert.equal(signed.code, 0, signed.stderr);
    await commands(again).until('it to serve', ({ state }) => state === 'serving');
    await commands(again).answers(2);
    const shown = (await (await fetch(`${again.control}/api/v1/models/times`)).json()) as ModelView;
    assert.deepEqual(
      shown.versions.find(({ version }) => version === 1)?.signers.map(({ name, valid }) => [name, valid]),
      [
        [undefined, true],
        ['next', true],
      ],
    );
  },
);
