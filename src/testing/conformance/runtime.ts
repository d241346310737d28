/**
 * The specification of the runtime seam: what every driver does with an identity model. A driver's test names the
 * datatypes that it cannot carry and every other deviation, with the reason.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { datatypeWidths, type Datatype, type ModelSignature, type Tensor } from '../../protocol/tensor.ts';
import type { ErrorCode } from '../../errors.ts';
import type { LoadedModel } from '../../runner/runtime.ts';

export interface RuntimeUnderTest {
  readonly name: string;
  readonly platform: string;
  /** Loads a model of this signature whose outputs repeat its inputs by position. */
  load(signature: ModelSignature, signal: AbortSignal): Promise<LoadedModel>;
  /** Datatype → why this driver cannot carry it. */
  readonly unsupported: Readonly<Partial<Record<Datatype, string>>>;
  readonly deviations?: {
    /** Code for what does not fit the model, where it is not the runtime that says so: the seam allows both. */
    readonly misfit?: { readonly code: ErrorCode; readonly reason: string };
  };
}

const element = (text: string): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(text));
  return Buffer.concat([length, Buffer.from(text)]);
};

/** Bytes of `count` elements, exactly as long as they must be and alone in their ArrayBuffer. */
function bytesOf(datatype: Datatype, count: number): Uint8Array {
  if (datatype === 'BYTES') {
    return new Uint8Array(
      Buffer.concat(Array.from({ length: count }, (_, index) => element(`ä${index}`.repeat(index)))),
    );
  }
  const width = datatypeWidths[datatype];
  // 0 and 1 only for BOOL; small patterns elsewhere, so that no float is a signalling NaN.
  return Uint8Array.from({ length: count * width }, (_, index) => (datatype === 'BOOL' ? index & 1 : index % 100));
}

const identity = (...datatypes: Datatype[]): ModelSignature => ({
  inputs: datatypes.map((datatype, index) => ({ name: `in${index}`, datatype, shape: [-1, 3] })),
  outputs: datatypes.map((datatype, index) => ({ name: `out${index}`, datatype, shape: [-1, 3] })),
  batchable: true,
});

const tensor = (name: string, datatype: Datatype, rows: number): Tensor => ({
  name,
  datatype,
  shape: [rows, 3],
  bytes: bytesOf(datatype, rows * 3),
});

export function runtimeConformance(driver: RuntimeUnderTest): void {
  const { signal } = new AbortController();

  describe(`the ${driver.name} runtime`, () => {
    it('gives its platform and the signature of what it loaded', async () => {
      await using model = await driver.load(identity('FP32', 'INT64'), signal);
      assert.equal(model.platform, driver.platform);
      assert.deepEqual(model.signature, identity('FP32', 'INT64'));
    });

    for (const datatype of Object.keys(datatypeWidths) as Datatype[]) {
      const reason = driver.unsupported[datatype];
      if (reason === undefined) {
        it(`carries ${datatype} there and back, byte for byte`, async () => {
          await using model = await driver.load(identity(datatype), signal);
          const { outputs, computeMs } = await model.run([tensor('in0', datatype, 2)]);
          assert.deepEqual(
            outputs.map(({ name, shape }) => [name, [...shape]]),
            [['out0', [2, 3]]],
          );
          assert.equal(outputs[0]?.datatype, datatype);
          assert.deepEqual(Buffer.from(outputs[0].bytes), Buffer.from(bytesOf(datatype, 6)));
          assert.ok(computeMs >= 0);
        });
      } else {
        it(`refuses ${datatype} when it loads: ${reason}`, async () => {
          await assert.rejects(driver.load(identity(datatype), signal), { code: 'MODEL_LOAD_FAILED' });
        });
      }
    }

    it('takes no rows at all', async () => {
      await using model = await driver.load(identity('FP32'), signal);
      const { outputs } = await model.run([tensor('in0', 'FP32', 0)]);
      assert.deepEqual([...(outputs[0]?.shape ?? [])], [0, 3]);
      assert.equal(outputs[0]?.bytes.length, 0);
    });

    it('gives back only the outputs asked for, in that order', async () => {
      await using model = await driver.load(identity('FP32', 'INT64'), signal);
      const inputs = (): Tensor[] => [tensor('in0', 'FP32', 1), tensor('in1', 'INT64', 1)];
      const names = async (wanted?: string[]): Promise<string[]> =>
        (await model.run(inputs(), wanted)).outputs.map(({ name }) => name);
      assert.deepEqual(await names(), ['out0', 'out1']);
      assert.deepEqual(await names(['out1']), ['out1']);
      assert.deepEqual(await names(['out1', 'out0']), ['out1', 'out0']);
    });

    const misfit = driver.deviations?.misfit;
    const by = misfit === undefined ? '' : `, with ${misfit.code}: ${misfit.reason}`;
    it(`refuses what does not fit and goes on${by}`, async () => {
      await using model = await driver.load(identity('FP32'), signal);
      const refused = { code: misfit?.code ?? 'INFERENCE_FAILED' };
      await assert.rejects(model.run([]), refused);
      await assert.rejects(model.run([tensor('in0', 'FP32', 1)], ['nothing']), refused);
      await assert.rejects(model.run([{ ...tensor('in0', 'FP32', 1), shape: [3] }]), refused);
      await assert.rejects(model.run([tensor('in0', 'INT32', 1)]), refused);
      assert.equal((await model.run([tensor('in0', 'FP32', 1)])).outputs.length, 1);
    });

    it('answers calls in the order that they came in', async () => {
      await using model = await driver.load(identity('FP32'), signal);
      const order: number[] = [];
      await Promise.all(
        [5, 1, 3].map(async (rows) => {
          const { outputs } = await model.run([tensor('in0', 'FP32', rows)]);
          order.push(outputs[0]?.shape[0] ?? 0);
        }),
      );
      assert.deepEqual(order, [5, 1, 3]);
    });

    it('refuses calls once it is closed', async () => {
      const model = await driver.load(identity('FP32'), signal);
      await model[Symbol.asyncDispose]();
      await assert.rejects(model.run([tensor('in0', 'FP32', 1)]));
    });

    it('does not load when the load is cancelled', async () => {
      const reason = new Error('nobody waits any more');
      await assert.rejects(driver.load(identity('FP32'), AbortSignal.abort(reason)), reason);
    });
  });
}
