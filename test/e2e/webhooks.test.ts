/**
 * The whole loop with the real engines: Prometheus scrapes the platform, a rule of it fires under load, Alertmanager
 * posts to the webhook, a playbook scales out through the governor and tells somebody; then the load goes.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import type { AlertsView, DeploymentView, JournalEntryView } from '../../src/api/schemas.ts';
import { missingEngines, startAlertmanager, startPrometheus, type Engine } from '../support/alerting.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { readExposition } from '../support/exposition.ts';
import { childPid } from '../support/processes.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { startLoad } from '../support/steady-load.ts';

const missing = missingEngines();
if (missing !== undefined && process.env['CI'] === 'true') throw new Error(`this has to run in CI: ${missing}`);

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 20
`;
const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
const token = 'the-token-of-alertmanager';
/** From a rule that fires to its notification, and on to what is done: engines, scrapes and a slow machine. */
const loopMs = 60_000;

interface Notice {
  readonly playbook: string;
  readonly on: string;
  readonly text: string;
}

describe('a real Prometheus and a real Alertmanager', { skip: missing ?? false }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-webhooks-'));
  const tokenFile = join(folder, 'token');
  const wrongFile = join(folder, 'wrong');
  const notices: Notice[] = [];
  const opened = new AsyncDisposableStack();
  let platform: Platform;
  let alertmanager: Engine;

  before(async () => {
    opened.defer(() => rmSync(folder, { recursive: true, force: true }));
    writeFileSync(tokenFile, `${token}\n`);
    writeFileSync(wrongFile, 'a-token-that-nobody-knows');
    const pager = http.createServer((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString()));
      request.on('end', () => {
        notices.push(JSON.parse(text) as Notice);
        response.end();
      });
    });
    await new Promise<void>((resolve) => void pager.listen(0, '127.0.0.1', resolve));
    opened.defer(() => {
      pager.closeAllConnections();
      pager.close();
    });
    const pagerUrl = `http://127.0.0.1:${(pager.address() as AddressInfo).port}/page/secret-path`;
    const notify = { urlFrom: { env: 'FLYBALL_TEST_PAGER' } };
    platform = opened.use(
      await startPlatform({
        models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
        env: { FLYBALL_TEST_PAGER: pagerUrl },
        specification: {
          models: { slow: { path: './models/slow' } },
          deployments: {
            driven: {
              model: 'slow',
              replicas: { min: 1, max: 4 },
              scaling: { policy: 'fixed', parameters: { count: 1 }, mode: 'auto', modeReason: 'a test' },
            },
          },
          alerts: {
            webhooks: { alertmanager: { bearer: { file: tokenFile } } },
            signals: { busy: { match: { alertname: 'DrivenBusy' } } },
            playbooks: {
              more: {
                match: { alertname: 'DrivenBusy', severity: ['page', 'warning'] },
                deployment: 'driven',
                firing: { scaleOut: 2, notify },
                resolved: { notify },
                holdMs: 5000,
              },
            },
          },
        },
      }),
    );
    const posts = (credentialsFile: string) => ({
      url: `${platform.control}/api/v1/webhooks/alertmanager`,
      send_resolved: true,
      http_config: { authorization: { credentials_file: credentialsFile } },
    });
    alertmanager = opened.use(
      await startAlertmanager({
        route: {
          receiver: 'flyball',
          group_by: ['alertname'],
          group_wait: '1s',
          group_interval: '1s',
          // So that repeats come within the test.
          repeat_interval: '2s',
          routes: [{ receiver: 'stranger', continue: true }, { receiver: 'flyball' }],
        },
        receivers: [
          { name: 'flyball', webhook_configs: [posts(tokenFile)] },
          { name: 'stranger', webhook_configs: [posts(wrongFile)] },
        ],
      }),
    );
    opened.use(
      await startPrometheus({
        scraped: platform.metrics,
        alertmanager: alertmanager.url,
        rules: [
          {
            alert: 'DrivenBusy',
            expr: 'sum by (deployment) (rate(flyball_requests_total{deployment="driven"}[10s])) > 1',
            for: '1s',
            // Scrapes fail while control is replaced.
            keep_firing_for: '5s',
            labels: { severity: 'page' },
            annotations: { summary: '{{ $labels.deployment }} is asked {{ $value | humanize }} times a second' },
          },
        ],
      }),
    );
    await platform.serving();
  });
  after(() => opened.disposeAsync());

  const driven = async (): Promise<DeploymentView> => {
    const [found] = (await platform.status()).deployments;
    assert.ok(found);
    return found;
  };
  const alerts = async (): Promise<AlertsView> =>
    (await (await fetch(`${platform.control}/api/v1/alerts`)).json()) as AlertsView;
  const webhooks = async (outcome: string): Promise<number> => {
    const families = readExposition(await (await fetch(`${platform.metrics}/metrics`)).text());
    const series = families.get('flyball_webhooks_total')?.series ?? [];
    return series.find(({ labels }) => labels['outcome'] === outcome)?.value ?? 0;
  };

  test('a rule fires under load, the playbook scales out once however often it is told, and the end is told too', async () => {
    await using traffic = startLoad({
      url: `${platform.http}/v2/models/driven/infer`,
      method: 'POST',
      body,
      callers: 2,
      thinkMs: 0,
    });
    const grown = await until(
      'the playbook to scale out',
      async () => {
        const seen = await driven();
        return seen.desired === 3 && seen.counts.ready === 3 ? seen : undefined;
      },
      loopMs,
    );
    assert.equal(grown.max, 4);
    const fired = await until('repeats of the notification', async () => {
      const view = await alerts();
      return (view.alerts[0]?.notified ?? 0) >= 3 ? view : undefined;
    });
    const [alert] = fired.alerts;
    assert.deepEqual([alert?.name, alert?.state, alert?.labels['severity']], ['DrivenBusy', 'firing', 'page']);
    assert.match(alert?.annotations['summary'] ?? '', /^driven is asked \d/);
    const steps = fired.actions.filter(({ action }) => action.startsWith('scale'));
    assert.deepEqual(
      steps.map(({ action, state, on }) => `${on} ${action} ${state}`),
      ['firing scale out 1 → 3 done'],
    );

    const shown = await runCli(['journal', 'show', String(steps[0]?.entry), '--json'], {
      FLYBALL_URL: platform.control,
    });
    const entry = JSON.parse(shown.stdout) as JournalEntryView;
    assert.deepEqual([entry.kind, entry.action, entry.subject, entry.by], ['decision', '1 → 3', 'driven', 'governor']);
    assert.match(entry.reason, /^playbook more \(DrivenBusy fires\) keeps it at least 3, 1 asked for$/);
    const why = await runCli(['why', 'driven'], { FLYBALL_URL: platform.control });
    assert.match(why.stdout, /signal +busy 1 \(/);

    // The next control knows what this one did.
    const pid = childPid(platform, 'control');
    process.kill(pid, 'SIGKILL');
    const notified = fired.alerts[0]?.notified ?? 0;
    const after = await until(
      'a repeat to be taken by another control',
      async () => {
        const view = await alerts();
        return childPid(platform, 'control') !== pid && (view.alerts[0]?.notified ?? 0) > notified ? view : undefined;
      },
      loopMs,
    );
    assert.equal(after.actions.filter(({ action }) => action.startsWith('scale')).length, 1);
    assert.equal((await driven()).desired, 3);

    const { failures } = await traffic.stop();
    assert.deepEqual(failures, []);
    await until(
      'it to be resolved and the step to be over',
      async () => {
        const [found] = (await alerts()).alerts;
        return found?.state === 'resolved' && (await driven()).desired === 1 ? true : undefined;
      },
      loopMs,
    );
    await until('the end to be told', () => notices.find(({ on }) => on === 'resolved'));
    assert.deepEqual(
      notices.slice(0, 2).map(({ playbook, on, text }) => `${playbook} ${on}: ${text}`),
      ['more firing: more: DrivenBusy fires', 'more resolved: more: DrivenBusy resolved'],
    );
  });

  test('Alertmanager is content with its answers, and what came with another token was refused, counted and did nothing', async () => {
    assert.ok((await webhooks('UNAUTHENTICATED')) > 0);
    assert.ok((await webhooks('accepted')) > 0);
    const families = await (await fetch(`${alertmanager.url}/metrics`)).text();
    const failed = Number(
      /^alertmanager_notifications_failed_total\{integration="webhook".*\} (\d+)$/m.exec(families)?.[1],
    );
    assert.ok(failed > 0, 'the stranger fails');
    assert.match(alertmanager.output(), /stranger.*401/);
    // While control was being replaced nobody could answer; nothing else that Flyball's receiver was told is a failure.
    const refusals = alertmanager
      .output()
      .split('\n')
      .filter((line) => line.includes('receiver=flyball') && /status code 4\d\d/.test(line));
    assert.deepEqual(refusals, []);
  });

  test('no secret is in what is shown, kept or logged', async () => {
    const { stdout } = await runCli(['journal', 'export'], { FLYBALL_URL: platform.control });
    const specification = await (await fetch(`${platform.control}/api/v1/specification`)).text();
    const shown = [stdout, specification, JSON.stringify(await alerts()), ...Object.values(platform.output())].join(
      '\n',
    );
    for (const secret of [token, 'secret-path', 'a-token-that-nobody-knows'])
      assert.ok(!shown.includes(secret), secret);
    assert.ok(specification.includes(tokenFile), 'only where it is');
    const table = await runCli(['alerts'], { FLYBALL_URL: platform.control });
    assert.match(table.stdout, /^ALERT +STATE +FROM/);
    assert.match(table.stdout, /DrivenBusy +(?:resolved|firing) +alertmanager/);
    assert.match(table.stdout, /more +DrivenBusy firing +driven +scale out 1 (?:→|->) 3 +done/);
  });
});
