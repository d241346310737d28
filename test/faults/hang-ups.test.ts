/** A thousand connections and ten thousand callers that hang up in mid-request: nothing is computed for them, nothing is left. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import net, { type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { ask, v2 } from '../support/ask.ts';
import { describeFootprint, descriptorCount, footprint, inspectable, type Footprint } from '../support/inspect.ts';
import { startPlatform, until, type Platform } from '../support/platform.ts';

const connections = 1000;
const hangUps = 10_000;
const spec = { name: 'x', datatype: 'FP32', shape: [-1, 4] };
const row = v2({ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] });
const whole = `POST /v2/models/slow/infer HTTP/1.1\r\nHost: flyball\r\nContent-Length: ${Buffer.byteLength(row)}\r\n\r\n${row}`;
/** Where callers hang up: in the head, in the body, and while the answer is being computed. */
const cuts = [20, whole.length - 5, whole.length, whole.length];

describe('a thousand connections and ten thousand hang-ups', { timeout: 180_000 }, () => {
  let platform: Platform;
  let processes: readonly { readonly what: string; readonly pid: number; readonly before: Footprint }[];

  const executed = async (): Promise<number> => {
    const { model_stats: all } = (await ask(`${platform.http}/v2/models/slow/stats`)).json() as {
      model_stats: { inference_count: number }[];
    };
    return all[0]?.inference_count ?? 0;
  };
  const connect = async (): Promise<Socket> => {
    const { hostname, port } = new URL(platform.http);
    const socket = net.connect({ host: hostname, port: Number(port), noDelay: true });
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  /** Opens, sends and hangs up, `count` times over a hundred sockets at once. */
  const hangUp = async (count: number): Promise<void> => {
    let left = count;
    const caller = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const socket = await connect();
        const bytes = whole.slice(0, cuts[left % cuts.length]);
        await new Promise<void>((resolve) => {
          socket.write(bytes, () => resolve());
        });
        // A third stays for a while: long enough to wait in the queue, too short for most to be computed.
        if (left % 3 === 0) await delay(left % 30);
        const closed = once(socket, 'close');
        // Half of them politely, half with a reset.
        if (left % 2 === 0) socket.destroy();
        else socket.resetAndDestroy();
        await closed;
      }
    };
    await Promise.all(Array.from({ length: 100 }, caller));
  };
  const settled = (): Promise<true> =>
    until('everything in flight to end', async () => {
      const text = (await ask(`${platform.metrics}/metrics`)).body.toString();
      const open = [...text.matchAll(/^flyball_(?:queue_length|requests_in_flight)\{[^}]*\} (\d+)$/gm)];
      return open.length > 0 && open.every(([, value]) => value === '0') ? true : undefined;
    });

  before(async () => {
    platform = await startPlatform({
      env: inspectable,
      models: {
        'slow/model.yaml': JSON.stringify({
          platform: 'simulated',
          simulated: { inputs: [spec], outputs: [spec], serviceMs: 20 },
        }),
      },
      specification: {
        models: { slow: { path: './models/slow' } },
        deployments: { slow: { model: 'slow', batching: { sizeMax: 1 } } },
      },
    });
    const { gateways, deployments } = await platform.serving();
    await hangUp(500);
    await settled();
    const found = [
      ...gateways.map(({ pid }) => ({ what: 'gateway', pid })),
      ...(deployments[0]?.replicas ?? []).map(({ where }) => ({
        what: 'runner',
        pid: Number(/pid (\d+)/.exec(where)?.[1]),
      })),
    ];
    processes = await Promise.all(found.map(async ({ what, pid }) => ({ what, pid, before: await footprint(pid) })));
  });
  after(() => platform[Symbol.asyncDispose]());

  test('who hangs up is not computed for, and those who stay are answered', async (t) => {
    const before_ = await executed();
    const idle = await Promise.all(Array.from({ length: connections }, connect));
    const startedAt = performance.now();
    const staying = (async () => {
      const statuses: number[] = [];
      for (let call = 0; call < 20; call += 1)
        statuses.push((await ask(`${platform.http}/v2/models/slow/infer`, { body: row })).status);
      return statuses;
    })();
    await hangUp(hangUps);
    const statuses = await staying;
    const seconds = (performance.now() - startedAt) / 1000;
    await settled();
    const computed = (await executed()) - before_;
    // All thousand are still there and still served.
    const last = idle.at(-1) as Socket;
    last.write(whole);
    const [answer] = (await once(last, 'data')) as [Buffer];
    assert.match(answer.toString(), /^HTTP\/1\.1 200 /);
    for (const socket of idle) socket.destroy();
    const sent = (hangUps * cuts.filter((cut) => cut === whole.length).length) / cuts.length;
    t.diagnostic(
      `${connections} connections; ${hangUps} hang-ups in ${seconds.toFixed(1)} s, ${sent} of them after a whole request; ${computed} computed, ${statuses.length} of them for those who stayed`,
    );
    assert.deepEqual([...new Set(statuses)], [200]);
    assert.ok(computed < sent, `${computed} computed of ${sent} that were sent whole`);
  });

  test('heap, handles and descriptors are back at the start', async (t) => {
    for (const { what, pid, before: start } of processes) {
      await until(`the descriptors of the ${what}`, () =>
        descriptorCount(pid) <= start.descriptors ? true : undefined,
      );
      const end = await footprint(pid);
      t.diagnostic(`${describeFootprint(what, start, end)}, handles ${JSON.stringify(end.resources)}`);
      assert.ok(end.heapBytes - start.heapBytes < 4 * 2 ** 20, `${what}: the heap grew`);
      assert.ok(end.externalBytes - start.externalBytes < 4 * 2 ** 20, `${what}: buffers were kept`);
      for (const [kind, count] of Object.entries(end.resources))
        assert.ok(count <= (start.resources[kind] ?? 0) + 2, `${what}: ${kind} ${start.resources[kind]} → ${count}`);
    }
  });
});
