import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { specification } from '../../config/specification.ts';
import type { WebhookSettings } from '../../config/alerts-specification.ts';
import { signatureOf } from '../../telemetry/alerts/signature.ts';
import { notification } from '../../testing/alert-bodies.ts';
import { createVirtualClock } from '../../testing/virtual-clock.ts';
import { openDoor } from './door.ts';

const folder = mkdtempSync(join(tmpdir(), 'flyball-door-'));
after(() => rmSync(folder, { recursive: true, force: true }));
const secret = 'sixteen-characters';
const file = join(folder, 'secret');
writeFileSync(file, `${secret}\n`);
process.env['FLYBALL_TEST_DOOR'] = secret;

const settings = (given: object): WebhookSettings => {
  const { grafana } = specification.parse({ alerts: { webhooks: { grafana: given } } }).alerts.webhooks;
  assert.ok(grafana);
  return grafana;
};
const body = notification('grafana', [{}]);
const signatureHeader = 'x-grafana-alerting-signature';
const timeHeader = 'x-grafana-alerting-timestamp';

test('a bearer is the one in the file, read anew each time, and nothing else', async () => {
  const door = openDoor(createVirtualClock());
  const own = settings({ bearer: { file } });
  const enter = (authorization?: string) => door.enter('grafana', own, { authorization }, body);
  await enter(`Bearer ${secret}`);
  for (const wrong of [undefined, '', 'Bearer', `Basic ${secret}`, `Bearer ${secret}x`, `Bearer x`, secret]) {
    await assert.rejects(enter(wrong), { code: 'UNAUTHENTICATED' }, wrong);
  }
  writeFileSync(file, 'another-secret-of-some-length');
  await enter('Bearer another-secret-of-some-length');
  await assert.rejects(enter(`Bearer ${secret}`), { code: 'UNAUTHENTICATED' });
  writeFileSync(file, secret);
});

test('a secret that is missing, empty, too short or no line admits nobody, and the message does not hold it', async () => {
  const door = openDoor(createVirtualClock());
  const refused = async (place: object, message: RegExp): Promise<void> => {
    const entering = door.enter('grafana', settings({ bearer: place }), { authorization: 'Bearer short' }, body);
    await assert.rejects(entering, (error: Error & { readonly code?: string }) => {
      assert.equal(error.code, 'SECRET_UNUSABLE');
      assert.match(error.message, message);
      assert.doesNotMatch(error.message, /hush/);
      return true;
    });
  };
  await refused({ file: join(folder, 'gone') }, /alerts\.webhooks\.grafana\.bearer: .*gone cannot be read \(ENOENT\)/);
  await refused({ file: folder }, /EISDIR/);
  await refused({ env: 'FLYBALL_TEST_UNSET' }, /FLYBALL_TEST_UNSET is not set/);
  const short = join(folder, 'short');
  writeFileSync(short, 'hush');
  await refused({ file: short }, /holds 4 characters, expected at least 16/);
  writeFileSync(short, 'hush-hush-hush-hush\nhush-hush-hush-hush');
  await refused({ file: short }, /more than one line/);
  writeFileSync(short, 'hush'.repeat(2000));
  await refused({ file: short }, /longer than 4096 bytes/);
});

test('a signature is of the body and its time, once, and not for ever', async () => {
  const clock = createVirtualClock();
  const door = openDoor(clock);
  const own = settings({ hmac: { secret: { env: 'FLYBALL_TEST_DOOR' }, timestampHeader: timeHeader } });
  const seconds = (): string => String(Math.floor(clock.wall() / 1000));
  const enter = (time: string | undefined, signed = time, sent = body) =>
    door.enter('grafana', own, { [signatureHeader]: signatureOf(secret, body, signed), [timeHeader]: time }, sent);
  const first = seconds();
  const entered = await enter(first);
  const twin = await enter(first);
  entered.take();
  assert.throws(() => twin.take(), { code: 'WEBHOOK_REPLAYED' });
  await assert.rejects(enter(first), { code: 'WEBHOOK_REPLAYED' });
  await assert.rejects(enter(seconds(), seconds(), Buffer.from('{}')), { code: 'UNAUTHENTICATED' });
  await assert.rejects(enter(undefined, undefined), { code: 'UNAUTHENTICATED' });
  await assert.rejects(enter('soon', 'soon'), { code: 'UNAUTHENTICATED' });
  await assert.rejects(enter(String(Number(first) + 1), first), { code: 'UNAUTHENTICATED' });
  await assert.rejects(door.enter('grafana', own, {}, body), { code: 'UNAUTHENTICATED' });
  clock.pass(301_000);
  await assert.rejects(enter(first), { code: 'WEBHOOK_REPLAYED' });
  // What could not be written down is not taken.
  const release = (await enter(seconds())).take();
  release();
  (await enter(seconds())).take();
});

test('with both, both are asked for', async () => {
  const door = openDoor(createVirtualClock());
  const own = settings({ bearer: { file }, hmac: { secret: { file } } });
  const signed = { [signatureHeader]: signatureOf(secret, body) };
  const authorization = `Bearer ${secret}`;
  await assert.rejects(door.enter('grafana', own, signed, body), { code: 'UNAUTHENTICATED' });
  await assert.rejects(door.enter('grafana', own, { authorization }, body), { code: 'UNAUTHENTICATED' });
  await door.enter('grafana', own, { ...signed, authorization }, body);
});
