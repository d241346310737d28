import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fingerprintOf } from './fingerprint.ts';
import { parsePayload } from './payload.ts';
import { signatureOf, verify } from './signature.ts';

const body = (over: object = {}, alert: object = {}): object => ({
  version: '4',
  status: 'firing',
  receiver: 'flyball',
  groupKey: '{}:{}',
  alerts: [{ status: 'firing', labels: { alertname: 'Slow' }, startsAt: '2026-03-04T10:15:00Z', ...alert }],
  ...over,
});

const reasonOf = (given: unknown): string => {
  const parsed = parsePayload(given);
  return parsed.kind === 'refused' ? parsed.reason : 'accepted';
};

test('what is refused is told where and why', () => {
  assert.match(reasonOf([]), /^the body: /u);
  assert.match(reasonOf({ ...body(), alerts: undefined }), /^alerts: /u);
  assert.equal(reasonOf(body({}, { startsAt: 'today' })), 'alerts.0.startsAt: "today" is no RFC 3339 time');
  assert.match(reasonOf(body({}, { labels: { alertname: 3 } })), /^alerts\.0\.labels\.alertname: /u);
  assert.equal(reasonOf(body({ version: '2' })), 'version is "2", expected "1" (Grafana) or "4" (Alertmanager)');
  assert.match(reasonOf(body({ alerts: Array.from({ length: 10_001 }, () => null) })), /^alerts/u);
});

test('an alert without a fingerprint gets the one that its labels have', () => {
  const parsed = parsePayload(body());
  assert.ok(parsed.kind === 'group');
  assert.equal(parsed.group.alerts[0]?.fingerprint, fingerprintOf({ alertname: 'Slow' }));
  assert.equal(parsed.group.alerts[0]?.endsAt, undefined);
});

test('whatever comes, it is a group or a reason', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (given) => {
      const parsed = parsePayload(given);
      assert.ok(parsed.kind === 'group' || parsed.reason.length > 0);
    }),
  );
});

test('a signature holds for its body, its time and its secret alone', () => {
  const at = 1_772_619_300;
  const sent = { body: '{"a":1}', timestamp: String(at), signature: signatureOf('secret', '{"a":1}', String(at)) };
  assert.equal(verify(sent, 'secret', at * 1000), 'valid');
  assert.equal(verify({ ...sent, signature: sent.signature.toUpperCase() }, 'secret', at * 1000), 'valid');
  assert.equal(verify({ ...sent, body: '{"a":2}' }, 'secret', at * 1000), 'wrong');
  assert.equal(verify({ ...sent, timestamp: String(at + 1) }, 'secret', at * 1000), 'wrong');
  assert.equal(verify(sent, 'other', at * 1000), 'wrong');
  assert.equal(verify({ ...sent, signature: '' }, 'secret', at * 1000), 'wrong');
  assert.equal(verify(sent, 'secret', (at + 301) * 1000), 'old');
});
