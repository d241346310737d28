/**
 * Control and gateways apart, as on several machines: `flyball control` and two `flyball gateway` on one specification, over
 * control's door with real TLS. Callers need keys, gateways speak TLS and log requests.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { stringify } from 'yaml';
import type { StatusView } from '../../src/api/schemas.ts';
import { makeKey } from '../../src/auth/key.ts';
import { makeCertificate } from '../../src/testing/certificates.ts';
import { freePorts } from '../../src/testing/free-ports.ts';
import { parseLines } from '../../src/testing/line-parser.ts';
import { doubler } from '../fixtures/models.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { until } from '../support/platform.ts';
import { listProcesses } from '../support/processes.ts';
import { startRole, writeIdentities, type RoleProcess } from '../support/roles.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const anyPort = { host: '127.0.0.1', port: 0 };

describe('control and gateways apart', { timeout: 240_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'fb-'));
  const { secret: key } = makeKey();
  const ca = (): string => readFileSync(join(folder, 'web.pem'), 'utf8');
  let [control, near, far]: (RoleProcess | undefined)[] = [];
  let doorUrl = '';

  const gateway = (node: string): Promise<RoleProcess> =>
    startRole(folder, 'gateway', node, ['--identity', 'gateway.pem', '--door', doorUrl]);
  const cli = (...args: string[]) => runCli([...args, '--data-dir', control!.dataDirectory], { FLYBALL_API_KEY: key });
  const status = async (): Promise<StatusView> => JSON.parse((await cli('status', '-o', 'json')).stdout) as StatusView;
  const nodes = async (): Promise<string[]> =>
    (await status()).gateways.map(({ node = '', worker }) => `${node}/${worker}`);

  function ask(of: RoleProcess, path: string, body?: string, withKey: string | undefined = key) {
    const headers = withKey === undefined ? {} : { authorization: `Bearer ${withKey}` };
    const method = body === undefined ? 'GET' : 'POST';
    const { promise, resolve, reject } = Promise.withResolvers<{ readonly status: number; readonly text: string }>();
    const [listener, url] = path === '/metrics' ? ['metrics', of.urls['metrics']] : ['http', of.urls['http']];
    https
      .request(`${url}${path}`, { method, headers, ca: ca(), agent: false }, (response) => {
        let text = '';
        response.on('data', (chunk: Buffer) => (text += chunk.toString()));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
      })
      .on('error', (cause) => reject(new Error(`${listener} of ${of.dataDirectory}`, { cause })))
      .end(body);
    return promise;
  }
  const infer = async (of: RoleProcess, withKey?: string): Promise<number> =>
    (await ask(of, '/v2/models/doubler/infer', row, withKey)).status;
  const controlPid = (): number | undefined =>
    listProcesses().find(
      ({ parent, command }) => parent === control?.process.pid && command.includes('control/process'),
    )?.pid;

  before(async () => {
    writeIdentities(folder);
    const files = makeCertificate(folder, 'web');
    writeFileSync(join(folder, 'admin.key'), `${key}\n`, { mode: 0o600 });
    mkdirSync(join(folder, 'models/doubler/1'), { recursive: true });
    writeFileSync(join(folder, 'models/doubler/1/model.onnx'), doubler());
    const port = await freePorts(1);
    doorUrl = `https://127.0.0.1:${port}`;
    const specification = {
      name: 'apart',
      auth: { keys: 'required' },
      tls: files,
      listeners: { http: anyPort, grpc: anyPort, metrics: anyPort, control: anyPort },
      orchestrator: { door: { host: '127.0.0.1', port } },
      gateway: { workers: 2 },
      telemetry: { influx: [{ kind: 'file', name: 'lines', path: join(folder, 'lines'), intervalMs: 1000 }] },
      models: { doubler: { path: './models/doubler' } },
      deployments: { doubler: { model: 'doubler', requestLog: { payload: 'shapes' } } },
    };
    writeFileSync(join(folder, 'flyball.yaml'), stringify(specification));
    [control, near, far] = await Promise.all([
      startRole(folder, 'control', 'manager', ['--authority', 'authority.pem', '--admin-key', 'admin.key']),
      gateway('near'),
      gateway('far'),
    ]);
    const { code, stderr } = await until('control to answer', async () => {
      const tried = await cli('deploy', join(folder, 'flyball.yaml'));
      return tried.code === 5 ? undefined : tried;
    });
    assert.equal(code, 0, stderr);
  });
  after(async () => {
    for (const each of [near, far, control]) await each?.[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('what is deployed over the API is served by gateways of every node, to callers with a key alone', async () => {
    for (const each of [near!, far!]) {
      await until('it to serve', async () => ((await infer(each)) === 200 ? true : undefined));
      assert.equal(await infer(each, 'flyball_nobody'), 401);
      assert.equal((await ask(each, '/v2/health/ready', undefined, undefined)).status, 200);
    }
    assert.deepEqual(await nodes(), ['far/0', 'far/1', 'near/0', 'near/1']);
    const { stdout } = await cli('status');
    assert.match(stdout, /^Gateways: far \(2 workers\), near \(2 workers\)$/m);
    assert.match(stdout, /control on manager alone/);
    assert.match(near!.output(), new RegExp(`control answers at ${doorUrl}`));
  });

  test('each node shows what its own gateways have counted and logs their requests; control tells sinks of all', async () => {
    for (const [node, each] of [
      ['near', near!],
      ['far', far!],
    ] as const) {
      assert.equal((await ask(each, '/metrics', undefined, 'flyball_nobody')).status, 401);
      const { text } = await ask(each, '/metrics');
      assert.match(text, /^flyball_requests_total\{deployment="doubler",[^}]*outcome="ok"[^}]*\} [1-9]/m);
      assert.doesNotMatch(text, /role="control"/);
      await until(`the request log of ${node}`, () => {
        const files = readdirSync(join(each.dataDirectory, 'request-log'));
        const lines = files.flatMap((file) =>
          readFileSync(join(each.dataDirectory, 'request-log', file), 'utf8').split('\n'),
        );
        return lines.some((line) => line.includes('"deployment":"doubler"')) ? true : undefined;
      });
    }
    await until('the sink to be told of both', () => {
      const lines = parseLines(readFileSync(join(folder, 'lines'), 'utf8'));
      const workers = new Set(lines.map(({ tags }) => tags['worker']));
      return workers.has('near/0') && workers.has('far/1') ? true : undefined;
    });
  });

  test('with control dead both serve on, and a gateway that starts meanwhile serves with what it has kept', async () => {
    // Its supervisor is stopped, so that it is not started again before this test wants it.
    control!.process.kill('SIGSTOP');
    process.kill(controlPid() ?? 0, 'SIGKILL');
    await until('control to be gone', () => (controlPid() === undefined ? true : undefined));
    for (const each of [near!, far!]) assert.equal(await infer(each), 200);
    assert.equal(await near!.end('SIGTERM'), 0, near!.output());
    near = await gateway('near');
    await until('it to serve', async () => ((await infer(near!)) === 200 ? true : undefined));
    assert.equal(await infer(near, 'flyball_nobody'), 401, 'the keys are kept as well');
    await until('it to say so', () => (near!.output().includes('no door leads to control') ? true : undefined));
    control!.process.kill('SIGCONT');
    await until('control to know both again', async () => ((await nodes()).length === 4 ? true : undefined));
    assert.equal(await infer(near), 200);
  });

  test('a node that is lost goes from the status within seconds', async () => {
    await far!.vanish();
    await until('it to be gone', async () => ((await nodes()).join() === 'near/0,near/1' ? true : undefined));
    assert.equal(await infer(near!), 200);
    far = undefined;
  });

  test('each role is drained and ends with 0, by SIGTERM or flyball down, which a gateway has no control for', async () => {
    const asked = await runCli(['status', '--data-dir', near!.dataDirectory]);
    assert.equal(asked.code, 5);
    assert.match(asked.stderr, /is a gateway, whose control is elsewhere: name the address of that with --url/);
    const down = await runCli(['down', '--data-dir', near!.dataDirectory]);
    assert.match(down.stderr, /stopped/);
    assert.equal(await near!.end('SIGTERM'), 0, near!.output());
    assert.equal(await control!.end('SIGTERM'), 0, control!.output());
  });
});
