import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Tensor } from '../protocol/tensor.ts';
import { createVirtualClock } from '../testing/virtual-clock.ts';
import type { CallAnswer, RunnerCall } from './call.ts';
import { startExecutor } from './executor.ts';
import type { LoadedModel, RunResult } from './runtime.ts';

const input = (name: string): Tensor => ({ name, datatype: 'FP32', shape: [1], bytes: new Uint8Array(4) });
const call = (name: string): RunnerCall => ({
  items: [{ rows: 1 }],
  payload: { kind: 'tensors', inputs: [input(name)] },
});

/** A model whose calls the test finishes by hand. */
function handModel() {
  const begun: { name: string; settle: PromiseWithResolvers<RunResult> }[] = [];
  const model: LoadedModel = {
    platform: 'hand',
    signature: { inputs: [], outputs: [], batchable: true },
    run(inputs) {
      const settle = Promise.withResolvers<RunResult>();
      begun.push({ name: inputs[0]?.name ?? '', settle });
      return settle.promise;
    },
    async warmed() {},
    onFailure() {},
    async [Symbol.asyncDispose]() {},
  };
  const names = (): string[] => begun.map(({ name }) => name);
  const finish = async (index: number): Promise<void> => {
    begun[index]?.settle.resolve({ outputs: [], computeMs: 1 });
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { model, begun, names, finish };
}

const limits = { callsMax: 3, preparedCallsMax: 1 };
const clock = createVirtualClock();

describe('the executor', () => {
  it('computes one call at a time, in the order of their arrival', async () => {
    const { model, names, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    const answered: string[] = [];
    for (const name of ['a', 'b', 'c']) executor.submit(call(name), () => answered.push(name));
    assert.deepEqual(names(), ['a']);
    await finish(0);
    assert.deepEqual(names(), ['a', 'b']);
    await finish(1);
    await finish(2);
    assert.deepEqual(answered, ['a', 'b', 'c']);
    assert.equal(executor.inFlight, 0);
    assert.equal(executor.inferences, 3);
  });

  it('says how long a call waited behind others, so that no time of the replica counts twice', async () => {
    const { model, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    const waits: unknown[] = [];
    for (const name of ['a', 'b']) {
      executor.submit(call(name), (answer) => waits.push(answer.kind === 'computed' && answer.waitMs));
    }
    clock.pass(40);
    await finish(0);
    clock.pass(40);
    await finish(1);
    assert.deepEqual(waits, [0, 40]);
  });

  it('drops a cancelled call that has not started, and cannot stop one that has', async () => {
    const { model, names, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    const answered: string[] = [];
    const cancels = ['a', 'b', 'c'].map((name) => executor.submit(call(name), () => answered.push(name)));
    assert.equal(cancels[0]?.(), false);
    assert.equal(cancels[1]?.(), true);
    assert.equal(cancels[1]?.(), false);
    await finish(0);
    await finish(1);
    assert.deepEqual(names(), ['a', 'c']);
    assert.deepEqual(answered, ['a', 'c']);
  });

  it('refuses calls over its limit, and takes them again when there is room', async () => {
    const { model, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    for (const name of ['a', 'b', 'c']) executor.submit(call(name), () => {});
    assert.throws(() => executor.submit(call('d'), () => {}), { code: 'OVERLOADED' });
    await finish(0);
    executor.submit(call('d'), () => {});
  });

  it('answers a call that fails and goes on with the next', async () => {
    const { model, begun, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    const answers: CallAnswer[] = [];
    for (const name of ['a', 'b']) executor.submit(call(name), (answer) => answers.push(answer));
    begun[0]?.settle.reject(new Error('no such kernel'));
    await finish(0);
    await finish(1);
    assert.deepEqual(
      answers.map((answer) => answer.kind),
      ['failed', 'computed'],
    );
  });

  it('drains: refuses new calls and ends with the last one', async () => {
    const { model, finish } = handModel();
    const executor = startExecutor(model, undefined, limits, clock);
    executor.submit(call('a'), () => {});
    let drained = false;
    const done = executor.drain().then(() => (drained = true));
    assert.throws(() => executor.submit(call('b'), () => {}), { code: 'DRAINING' });
    assert.equal(drained, false);
    await finish(0);
    await done;
  });

  it('refuses files when the model declares no pipeline', async () => {
    const executor = startExecutor(handModel().model, undefined, limits, clock);
    const { promise, resolve } = Promise.withResolvers<CallAnswer>();
    executor.submit({ items: [{ rows: 1 }], payload: { kind: 'files', files: [new Uint8Array(1)] } }, resolve);
    const answer = await promise;
    assert.equal(answer.kind === 'failed' && answer.error.code, 'INVALID_REQUEST');
  });
});
