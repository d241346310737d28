import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { test } from 'node:test';
import { stringify } from 'yaml';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FlyballError } from '../errors.ts';
import { loadSpecification, parseSpecification } from './load.ts';

const base = {
  models: { m: { generate: { architecture: 'mlp' } } },
  deployments: { digits: { model: 'm', replicas: { min: 1, max: 4 } }, fixed: { model: 'm' } },
};
const webhooks = { alertmanager: { bearer: { env: 'TOKEN' } } };
const match = { alertname: 'Slow' };

function problems(alerts: object, more: object = {}): string {
  try {
    parseSpecification(stringify({ ...base, ...more, alerts }), 'spec');
  } catch (error) {
    assert.ok(error instanceof FlyballError && error.code === 'INVALID_SPECIFICATION');
    return error.message;
  }
  return '';
}

test('each mistake is told with its place and what was expected', () => {
  const cases: readonly (readonly [object, RegExp])[] = [
    [
      { webhooks: { alertmanager: {} } },
      /alerts\.webhooks\.alertmanager: expected how the sender proves itself: bearer, hmac, or both/,
    ],
    [
      { webhooks: { grafana: { bearer: {} } } },
      /alerts\.webhooks\.grafana\.bearer: expected where the secret is: file or env, got neither/,
    ],
    [{ webhooks: { grafana: { bearer: { file: 'a', env: 'B' } } } }, /got both/],
    [{ webhooks: { grafana: { hmac: {} } } }, /alerts\.webhooks\.grafana\.hmac\.secret: is missing/],
    [{ webhooks: { prometheus: {} } }, /alerts\.webhooks\.prometheus: unknown key/],
    [
      { webhooks, playbooks: { p: { match } } },
      /alerts\.playbooks\.p: expected what it does: firing, resolved, or both/,
    ],
    [
      { webhooks, playbooks: { p: { match: {}, firing: { scaleOut: 1 }, deployment: 'digits' } } },
      /p\.match: expected at least one label/,
    ],
    [
      { webhooks, playbooks: { p: { match, firing: {} } } },
      /p\.firing: expected at least one of scaleOut, scaleIn, mode, notify/,
    ],
    [
      { webhooks, playbooks: { p: { match, firing: { scaleOut: 1 } } } },
      /p\.firing: expected the deployment beside it/,
    ],
    [
      { webhooks, playbooks: { p: { match, deployment: 'digit', firing: { scaleOut: 1 } } } },
      /p\.deployment: no deployment has the name digit; did you mean digits/,
    ],
    [
      { webhooks, playbooks: { p: { match, deployment: 'fixed', firing: { scaleOut: 1 } } } },
      /fixed has a fixed size: its bounds are 1 to 1/,
    ],
    [
      { webhooks, playbooks: { p: { match, deployment: 'digits', firing: { scaleOut: 1, scaleIn: 1 } } } },
      /exclude each other/,
    ],
    [
      { webhooks, playbooks: { p: { match, deployment: 'digits', firing: { scaleOut: 0 } } } },
      /p\.firing\.scaleOut: expected a whole number from 1 to 1000, got 0/,
    ],
    [
      { webhooks, playbooks: { p: { match, deployment: 'digits', resolved: { mode: 'auto' } } } },
      /p\.resolved\.mode: expected the reason for the mode auto/,
    ],
    [
      { webhooks, playbooks: { p: { match, firing: { notify: {} } } } },
      /p\.firing\.notify: expected one of url, urlFrom and channel, got none/,
    ],
    [
      { webhooks, playbooks: { p: { match, firing: { notify: { url: 'ftp://x' } } } } },
      /expected an http:\/\/ or https:\/\/ address/,
    ],
    [
      { webhooks, playbooks: { p: { match, source: 'grafana', firing: { notify: { url: 'http://x' } } } } },
      /alerts\.webhooks has no grafana; expected one of alertmanager/,
    ],
    [{ signals: { s: { match } } }, /alerts\.signals\.s: no alert can come: expected a sender in alerts\.webhooks/],
    [
      { webhooks, playbooks: { p: { match, firing: { notify: { url: 'http://ada:secret@x' } } } } },
      /without user and password/,
    ],
    [
      { webhooks, playbooks: { p: { match, firing: { notify: { url: 'http://[x' } } } } },
      /expected an http:\/\/ or https/,
    ],
    [{ webhooks, playbook: {} }, /alerts\.playbook: unknown key; did you mean playbooks/],
  ];
  for (const [alerts, message] of cases) assert.match(problems(alerts), message, JSON.stringify(alerts));
});

test('a deployment may be held by the signals that there are, and by no others', () => {
  const deployments = { digits: { model: 'm', replicas: { max: 4 }, scaling: { holdOn: ['databaseSlow'] } } };
  assert.match(
    problems({ webhooks, signals: { databaseslow: { match } } }, { deployments }),
    /deployments\.digits\.scaling\.holdOn\[0\]: alerts\.signals has no databaseSlow; did you mean databaseslow/,
  );
  assert.equal(problems({ webhooks, signals: { databaseSlow: { match } } }, { deployments }), '');
});

test('a figure from outside and an alert have names of their own: as signals they stand in one list', () => {
  const metrics = (name: string) => ({
    deployments: {
      digits: {
        model: 'm',
        replicas: { min: 1, max: 4 },
        scaling: { metrics: { [name]: { url: 'http://p', query: 'x', multiplier: {} } } },
      },
    },
  });
  const alerts = { webhooks, signals: { slow: { match } } };
  assert.equal(problems(alerts, metrics('campaign')), '');
  assert.match(
    problems(alerts, metrics('slow')),
    /deployments\.digits\.scaling\.metrics\.slow: is the name of a signal in alerts\.signals already/,
  );
});

test('the worked example of docs/webhooks.md is a specification', async () => {
  const page = await readFile(new URL('../../docs/webhooks.md', import.meta.url), 'utf8');
  const [, example = ''] = /```yaml\n# flyball\.yaml\n(.*?)```/s.exec(page) ?? [];
  const { alerts } = parseSpecification(
    `models: { resnet18: { generate: { architecture: resnet18 } } }\n${example}`,
    'it',
  );
  assert.deepEqual(Object.keys(alerts.playbooks), ['queue-grows', 'metrics-broken']);
});

test('files of secrets are found from wherever control runs', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'flyball-secrets-'));
  const path = join(folder, 'flyball.yaml');
  const notify = { urlFrom: { file: 'hook' }, bearer: { file: '/etc/b' } };
  const alerts = {
    webhooks: { grafana: { hmac: { secret: { file: './s' } } }, alertmanager: { bearer: { env: 'E' } } },
    playbooks: { p: { match, firing: { notify }, resolved: { notify: { url: 'http://x' } } } },
  };
  await writeFile(path, stringify({ ...base, alerts }));
  const { specification } = await loadSpecification(path);
  const { webhooks: found, playbooks } = specification.alerts;
  assert.equal(found.grafana?.hmac?.secret.file, resolve(folder, 's'));
  assert.deepEqual(found.alertmanager?.bearer, { env: 'E' });
  assert.equal(playbooks['p']?.firing?.notify?.urlFrom?.file, resolve(folder, 'hook'));
  assert.equal(playbooks['p']?.firing?.notify?.bearer?.file, '/etc/b');
  assert.equal(playbooks['p']?.resolved?.notify?.url, 'http://x');
  await rm(folder, { recursive: true });
});
