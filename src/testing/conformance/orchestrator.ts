/**
 * What every orchestrator must do, as tests that each driver runs. The engine (`open` may be called again on the same
 * one) outlives the orchestrator object, as a replica outlives the control that started it.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Orchestrator, ReplicaExit, ReplicaOrder } from '../../control/orchestrator.ts';
import type { ReplicaAddress } from '../../gateway/routing-table.ts';
import { connectToReplica, type PeerIdentity } from '../../tls/peer.ts';
import { openFrameConnection } from '../../protocol/frames/connection.ts';
import { emptySignature } from '../frame-runner.ts';
import { until } from '../until.ts';

export interface OrchestratorEngine extends AsyncDisposable {
  open(): Promise<Orchestrator>;
  /** What is shown to replicas that are reached over TCP. */
  readonly identity?: PeerIdentity;
  /** Makes a replica die by itself, as a crash would. */
  crash(id: string, where: string): Promise<void>;
}

export function orderOf(id: string, more: { readonly digest?: string } = {}): ReplicaOrder {
  const runtime = { kind: 'simulated', signature: emptySignature, serviceMs: 0, serviceMsPerRow: 0 } as const;
  const warmUp = { batchSizes: [1], budgetMs: 0, samples: [] };
  const launch = { replica: id, model: 'm', version: '1', digest: 'sha256:0', runtime, warmUp, ...more };
  return { id, deployment: 'm', launch, resources: {} };
}

/** The first state in which the replica at the address says that it is; undefined while nobody answers. */
export async function stateAt(address: ReplicaAddress, identity?: PeerIdentity): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  const socket = connectToReplica(address, 'a-1', identity);
  const connection = openFrameConnection(
    socket,
    {
      onFrame(...[kind, header]) {
        if (kind === 'hello') resolve(header.state.kind);
      },
      onClose: () => resolve(undefined),
    },
    { frameBytesMax: 65_536 },
  );
  const state = await promise;
  connection.destroy();
  return state;
}

export function orchestratorConformance(driver: string, engine: () => Promise<OrchestratorEngine>): void {
  const signal = new AbortController().signal;

  void test(`${driver}: a started replica says at its address that it is ready`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const { address } = await orchestrator.start(orderOf('a-1'), signal);
    await until('ready', async () => (await stateAt(address, world.identity)) === 'ready');
  });

  void test(`${driver}: starting twice gives one replica`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const first = await orchestrator.start(orderOf('a-1'), signal);
    assert.deepEqual(await orchestrator.start(orderOf('a-1'), signal), first);
    assert.equal((await orchestrator.list()).length, 1);
  });

  void test(`${driver}: a cancelled start starts nothing`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    await assert.rejects(orchestrator.start(orderOf('a-1'), AbortSignal.abort()));
    assert.deepEqual(await orchestrator.list(), []);
  });

  void test(`${driver}: a stopped replica is gone, is no exit, and may be stopped again`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const exits: ReplicaExit[] = [];
    orchestrator.onExit((exit) => exits.push(exit));
    const { address } = await orchestrator.start(orderOf('a-1'), signal);
    await until('ready', async () => (await stateAt(address, world.identity)) === 'ready');
    await orchestrator.stop('a-1', 5000);
    assert.deepEqual(await orchestrator.list(), []);
    assert.equal(await stateAt(address, world.identity), undefined);
    await orchestrator.stop('a-1', 5000);
    assert.deepEqual(exits, []);
  });

  void test(`${driver}: a replica that dies by itself is reported once, with a reason`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const exits: ReplicaExit[] = [];
    orchestrator.onExit((exit) => exits.push(exit));
    const { where, address } = await orchestrator.start(orderOf('a-1'), signal);
    await until('ready', async () => (await stateAt(address, world.identity)) === 'ready');
    await world.crash('a-1', where);
    await until('the exit', () => exits.length > 0);
    assert.deepEqual(
      exits.map(({ id }) => id),
      ['a-1'],
    );
    assert.notEqual(exits[0]?.reason, '');
    assert.deepEqual(await orchestrator.list(), []);
  });

  void test(`${driver}: replicas outlive the orchestrator, and the next one finds them and hears of their end`, async () => {
    await using world = await engine();
    const first = await world.open();
    const started = await first.start(orderOf('a-1'), signal);
    await until('ready', async () => (await stateAt(started.address, world.identity)) === 'ready');
    await first[Symbol.asyncDispose]();
    await using second = await world.open();
    const exits: ReplicaExit[] = [];
    second.onExit((exit) => exits.push(exit));
    const [found] = await second.list();
    assert.equal(found?.id, 'a-1');
    assert.deepEqual(found.address, started.address);
    assert.equal(found.where, started.where);
    await world.crash('a-1', found.where);
    await until('the exit', () => exits.length > 0);
  });

  void test(`${driver}: settling says whether the limits hold, also for one that is gone`, async () => {
    await using world = await engine();
    await using orchestrator = await world.open();
    const { address } = await orchestrator.start(orderOf('a-1'), signal);
    await until('ready', async () => (await stateAt(address, world.identity)) === 'ready');
    const limits = await orchestrator.settle('a-1', { cpu: 0.5 });
    if (limits.kind === 'unenforced') assert.notEqual(limits.reason, '');
    else assert.equal(limits.kind, 'enforced');
    await orchestrator.settle('nobody', { cpu: 0.5 });
  });
}
