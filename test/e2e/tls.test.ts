/**
 * TLS on every listener of a real platform: old protocols and plain text are refused, certificates change under load
 * without a dropped connection, a broken pair changes nothing, and the command line and the client find their way.
 */
import assert from 'node:assert/strict';
import { copyFileSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import tls from 'node:tls';
import { openClient, tensor } from '../../src/client/client.ts';
import { makeCertificate } from '../../src/testing/certificates.ts';
import { doubler } from '../fixtures/models.ts';
import { v2 } from '../support/ask.ts';
import { runCli } from '../support/cli.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const input = [tensor('x', 'FP32', [1, 4], [1, 2, 3, 4])];
const portOf = (url: string): number => Number(new URL(url).port);

function handshake(port: number, options: tls.ConnectionOptions): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, ...options }, () => resolve(socket));
    socket.once('error', reject);
  });
}

const serialOf = async (port: number, options: tls.ConnectionOptions): Promise<string> => {
  const socket = await handshake(port, options);
  const { serialNumber } = socket.getPeerCertificate();
  socket.destroy();
  return serialNumber;
};

function get(url: string, options: https.RequestOptions): Promise<number> {
  return new Promise((resolve, reject) => {
    https
      .get(url, options, (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      })
      .on('error', reject);
  });
}

describe('a platform with a certificate', () => {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-tls-e2e-'));
  const [first, second, stranger] = ['first', 'second', 'stranger'].map((name) => makeCertificate(folder, name));
  const live = { certificate: join(folder, 'live.pem'), key: join(folder, 'live.key') };
  const replace = (from: string, to: string): void => {
    copyFileSync(from, `${to}.new`);
    renameSync(`${to}.new`, to);
  };
  const caOf = (files: { readonly certificate: string } | undefined): string =>
    readFileSync(files!.certificate, 'utf8');
  const listeners = (): [string, number][] =>
    (['http', 'grpc', 'metrics', 'control', 'management'] as const).map((name) => [name, portOf(platform[name] ?? '')]);
  let platform: Platform;

  before(async () => {
    replace(first!.certificate, live.certificate);
    replace(first!.key, live.key);
    platform = await startPlatform({
      models: { 'doubler/1/model.onnx': doubler() },
      specification: {
        tls: live,
        listeners: { management: { port: 0 } },
        models: { doubler: { path: './models/doubler' } },
        deployments: { doubler: { model: 'doubler' } },
      },
    });
    await until('it to serve', async () => {
      const status = await runCli(['status', 'doubler', '-o', 'json', '--data-dir', platform.dataDirectory]);
      return status.stdout.includes('"state": "serving"') ? true : undefined;
    });
  });
  after(async () => {
    await platform[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });

  test('every listener speaks TLS 1.2 and later, nothing older and no plain text; gRPC by ALPN', async () => {
    for (const [name, port] of listeners()) {
      const ca = caOf(first);
      const alpn = name === 'grpc' ? { ALPNProtocols: ['h2'] } : {};
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await handshake(port, { ca, minVersion: version, maxVersion: version, ...alpn });
        assert.equal(socket.getProtocol(), version, name);
        if (name === 'grpc') assert.equal(socket.alpnProtocol, 'h2');
        socket.destroy();
      }
      const old = { ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0', ...alpn } as const;
      await assert.rejects(handshake(port, old), name);
      const answered = await new Promise<string>((resolve) => {
        let text = '';
        const socket = net.connect(port, '127.0.0.1', () =>
          socket.write('GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n'),
        );
        socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
        socket.on('error', () => {});
        socket.on('close', () => resolve(text));
      });
      assert.doesNotMatch(answered, /HTTP\/1\.1 200/, name);
    }
  });

  test('the client and the command line take an authority, and trust nobody without', async () => {
    const clients = [platform.http, platform.grpc.replace('https', 'grpcs')];
    for (const url of clients) {
      await using trusting = openClient({ url, tls: { ca: caOf(first) } });
      assert.equal((await trusting.infer({ model: 'doubler', inputs: input })).outputs.length, 1, url);
      await using wary = openClient({ url, retries: 0, tls: { ca: caOf(stranger) } });
      await assert.rejects(wary.infer({ model: 'doubler', inputs: input }), { code: 'UNREACHABLE' }, url);
    }
    const elsewhere = ['--url', platform.control];
    assert.equal((await runCli(['status', ...elsewhere, '--ca-file', first!.certificate])).code, 0);
    assert.equal((await runCli(['status', ...elsewhere], { FLYBALL_CA_FILE: first!.certificate })).code, 0);
    assert.equal((await runCli(['status', ...elsewhere])).code, 5, 'nobody vouches for it');
    assert.equal((await runCli(['status', ...elsewhere, '--ca-file', stranger!.certificate])).code, 5);
  });

  test('on its own machine the command line needs no authority: infer and load work over https and grpcs', async () => {
    const where = ['--data-dir', platform.dataDirectory];
    const answer = await runCli(
      ['infer', 'doubler', '-', '--type', 'json', '-o', 'json', ...where],
      {},
      Buffer.from(row),
    );
    assert.match(answer.stdout, /"data"/, answer.stderr);
    for (const protocol of ['rest', 'grpc']) {
      const callers = ['--callers', '2', '--duration', '1s', '--protocol', protocol, '-o', 'json', ...where];
      const load = await runCli(['load', 'doubler', ...callers]);
      assert.equal(load.code, 0, `${protocol}: ${load.stderr}`);
    }
  });

  test('a new certificate is served within seconds, and no open connection is dropped', async () => {
    const agent = new https.Agent({ keepAlive: true, maxSockets: 1, ca: caOf(first) });
    const url = `${platform.http}/v2/models/doubler`;
    let asked = 0;
    let failed = 0;
    let running = true;
    const asking = (async () => {
      while (running) {
        asked += 1;
        await get(url, { agent }).then(
          (status) => (failed += status === 200 ? 0 : 1),
          () => (failed += 1),
        );
      }
    })();
    await using open = openClient({
      url: platform.grpc.replace('https', 'grpcs'),
      tls: { ca: caOf(first) },
      retries: 0,
    });
    await open.infer({ model: 'doubler', inputs: input });

    replace(second!.certificate, live.certificate);
    await until(
      'it to say that the pair does not fit',
      () =>
        /"message":"tls: the key .* is not that of the certificate .*stays in force"/.test(
          readFileSync(join(platform.dataDirectory, 'flyball.log'), 'utf8'),
        ) || undefined,
    );
    const before = await serialOf(portOf(platform.http), { ca: caOf(first) });
    replace(second!.key, live.key);
    for (const [name, port] of listeners())
      await until(`${name} to serve the new certificate`, async () => {
        const serial = await serialOf(port, {
          ca: [caOf(first), caOf(second)],
          ALPNProtocols: name === 'grpc' ? ['h2'] : [],
        });
        return serial === before ? undefined : true;
      });
    await open.infer({ model: 'doubler', inputs: input });
    running = false;
    await asking;
    assert.ok(asked > 10);
    assert.equal(failed, 0, `${failed} of ${asked} requests failed`);
    // The one connection was there all the time: it still has the certificate that it began with.
    agent.destroy();
  });

  test('SIGHUP reads the files at once, and a platform with no usable pair does not start', async () => {
    platform.process.kill('SIGHUP');
    assert.equal(await get(`${platform.control}/livez`, { ca: caOf(second) }), 200);
    const bad = join(folder, 'bad.yaml');
    writeFileSync(
      bad,
      JSON.stringify({ tls: { certificate: 'first.pem', key: 'second.key' }, listeners: { http: { port: 0 } } }),
    );
    const start = await runCli(['up', bad, '--data-dir', join(folder, 'bad')]);
    assert.equal(start.code, 1);
    assert.match(start.stderr, /TLS_UNUSABLE|the key .*second\.key is not that of the certificate .*first\.pem/);
  });
});

describe('listeners that ask for a client certificate', () => {
  test('serve who shows one of that authority, and no one else; the command line here still works', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'flyball-mtls-'));
    const [own, friend, stranger] = ['own', 'friend', 'stranger'].map((name) => makeCertificate(folder, name));
    try {
      await using platform = await startPlatform({
        specification: {
          tls: { ...own, clientCa: friend!.certificate },
          listeners: { management: { port: 0 } },
        },
      });
      const ca = readFileSync(own!.certificate);
      const as = (files: typeof friend) => ({
        ca,
        cert: readFileSync(files!.certificate),
        key: readFileSync(files!.key),
      });
      const url = `${platform.http}/livez`;
      // Past the certificate, over the Unix socket in the private directory.
      await until('control to answer the command line', async () =>
        (await runCli(['status', '--data-dir', platform.dataDirectory])).code === 0 ? true : undefined,
      );
      await until('the gateway to listen', async () => ((await get(url, as(friend))) === 200 ? true : undefined));
      for (const door of [url, `${platform.management}/ping`]) {
        assert.equal(await get(door, as(friend)), 200, door);
        await assert.rejects(get(door, { ca }), door);
        await assert.rejects(get(door, as(stranger)), door);
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
