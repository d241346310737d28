/** The rules that are shipped: current, valid to Prometheus' own checker, and each alert fires when it should alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { alerts } from '../../observability/alerts.ts';
import { findDrift } from '../../observability/main.ts';
import { promtool, promtoolSkip } from '../support/promtool.ts';

const folder = fileURLToPath(new URL('../../deploy/prometheus', import.meta.url));

test('what is shipped for monitoring systems is what its source says', () => {
  assert.deepEqual(findDrift(), []);
});

test('each rule has an id of its own that Grafana takes, and says what to do', () => {
  const uids = alerts.map(({ uid }) => uid);
  assert.equal(new Set(uids).size, uids.length);
  for (const { uid, summary, description } of alerts) {
    assert.match(uid, /^[a-z0-9-]{1,40}$/);
    assert.ok(summary.length > 10 && description.length > 20, uid);
    // Grafana fills in labels alone.
    assert.doesNotMatch(summary + description, /\$value|\$labels\.(?!deployment|node|role|sink)/, uid);
  }
});

test('Prometheus takes the rules', promtoolSkip, () => {
  const { code, output } = promtool(['check', 'rules', 'flyball.rules.yml'], { cwd: folder });
  assert.equal(code, 0, output);
});

test('each alert fires when it should, at its burn rate and not below, and none otherwise', promtoolSkip, () => {
  const { code, output } = promtool(['test', 'rules', 'flyball.rules.test.yml'], { cwd: folder });
  assert.equal(code, 0, output);
});
