/** Figures from a real Prometheus: replicas follow what it says, hold when it is gone, and why tells both. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { WhyView } from '../../src/api/schemas.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until } from '../support/platform.ts';

const installed = spawnSync('prometheus', ['--version']).status === 0;
if (!installed && process.env['CI'] === 'true') throw new Error('CI needs Prometheus (apt: prometheus)');
const skip = installed ? {} : { skip: 'Prometheus is not installed (apt: prometheus)' };

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 5
`;

async function freePort(): Promise<number> {
  const server = net.createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** What it scrapes: one gauge that the test sets. */
async function startExporter(context: TestContext): Promise<{ readonly port: number; waiting: number }> {
  const exporter = { port: 0, waiting: 0 };
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/plain; version=0.0.4');
    response.end(`# TYPE jobs_waiting gauge\njobs_waiting{queue="a"} ${exporter.waiting}\njobs_waiting{queue="b"} 0\n`);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  exporter.port = (server.address() as AddressInfo).port;
  return exporter;
}

async function startPrometheus(
  context: TestContext,
  scrapes: number,
): Promise<{ readonly url: string; end(): Promise<void> }> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-prometheus-'));
  const port = await freePort();
  const settings = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    scrape_configs: [{ job_name: 'jobs', static_configs: [{ targets: [`127.0.0.1:${scrapes}`] }] }],
  };
  // JSON is YAML.
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(settings));
  const child = spawn(
    'prometheus',
    [
      `--config.file=${join(folder, 'prometheus.yml')}`,
      `--storage.tsdb.path=${join(folder, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: 'ignore' },
  );
  const ended = once(child, 'exit');
  const end = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  context.after(async () => {
    await end();
    rmSync(folder, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await until('Prometheus to be ready', async () => {
    const answer = await fetch(`${url}/-/ready`).catch(() => undefined);
    return answer?.ok === true ? true : undefined;
  });
  return { url, end };
}

test(
  'replicas follow a figure of a real Prometheus, hold while it is gone, and why tells both',
  { ...skip, timeout: 300_000 },
  async (context: TestContext) => {
    const exporter = await startExporter(context);
    const prometheus = await startPrometheus(context, exporter.port);
    exporter.waiting = 35;
    await using platform = await startPlatform({
      models: { 'slow/1/model.yaml': model, 'slow/model.yaml': model },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: {
          worker: {
            model: 'slow',
            replicas: { min: 1, max: 6 },
            scaling: {
              mode: 'auto',
              modeReason: 'a test',
              policy: 'hpa',
              parameters: { cpuPercent: 0, syncSeconds: 1, scaleDown: { stabilizationWindowSeconds: 2 } },
              metrics: {
                jobs: {
                  url: prometheus.url,
                  query: 'sum(jobs_waiting)',
                  intervalMs: 1000,
                  timeoutMs: 1000,
                  perReplica: 10,
                },
              },
            },
          },
        },
      },
    });
    await platform.serving();
    const why = async (): Promise<WhyView> =>
      (await (await fetch(`${platform.control}/api/v1/deployments/worker/why`)).json()) as WhyView;
    const ready = (count: number): Promise<true> =>
      until(`${count} replicas`, async () => {
        const [deployment] = (await platform.status()).deployments;
        return deployment?.counts.ready === count ? true : undefined;
      });
    await ready(4);
    const { inputs, decision } = await why();
    assert.deepEqual([inputs?.external?.['jobs']?.kind, inputs?.external?.['jobs']?.value], ['fresh', 35]);
    assert.ok(decision !== undefined);
    const { stdout } = await runCli(['why', 'worker'], { FLYBALL_URL: platform.control });
    assert.match(stdout, /signal +jobs 35 \(.+ old\), 10 a replica/);
    exporter.waiting = 15;
    await ready(2);

    // It would ask for one now, but nobody can know.
    await prometheus.end();
    exporter.waiting = 0;
    const blind = await until('the doubt', async () => {
      const view = await why();
      return view.inputs?.external?.['jobs']?.kind === 'fresh' ? undefined : view;
    });
    assert.equal(blind.decision?.target, 2);
    assert.match(blind.decision?.doubt ?? '', /jobs is (\d+ s old|not known)/);
    assert.match(blind.metrics?.['jobs']?.failure ?? '', /it cannot be reached \(ECONNREFUSED\)/);
    const text = await runCli(['why', 'worker'], { FLYBALL_URL: platform.control });
    assert.match(text.stdout, /signal +jobs .*it cannot be reached/);
  },
);
