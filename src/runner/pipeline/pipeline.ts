/**
 * A version's declared way from encoded files to an answer: decode and normalise each file, compute, read the outputs.
 * A file that cannot be used fails its own item only. Files whose tensors differ in size cannot share a call of the
 * runtime: they are computed one after another, and what each is told does not depend on its company.
 */
import type { ImagePipeline } from '../../config/model-file.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import type { FailedItem } from '../../protocol/frames/messages.ts';
import { elementCount, type ModelSignature, type Tensor, type TensorSpec } from '../../protocol/tensor.ts';
import type { CallAnswer } from '../call.ts';
import { joinBytes } from '../rows.ts';
import type { LoadedModel } from '../runtime.ts';
import { decodeImage } from './decode.ts';
import { fusedPass, makeNormalisation, type ImageDatatype } from './fused-pass.ts';
import { fixedSize, geometryOf } from './geometry.ts';
import { joinRows } from './join-rows.ts';
import { makeReadable, type ReadableStage } from './output.ts';

/** Files of equal tensor size, for one call of the runtime. */
interface Group {
  readonly indices: readonly number[];
  readonly tensor: Tensor;
}

export interface PreparedFiles {
  readonly groups: readonly Group[];
  readonly failed: readonly FailedItem[];
  readonly inputMs: number;
  /** As they came, where nothing here decodes them. */
  readonly files: readonly Uint8Array[];
}

export interface FilePipeline {
  prepare(files: readonly Uint8Array[], signal?: AbortSignal): Promise<PreparedFiles>;
  /** `outputs` names what to give back, an empty list nothing but the readable; the output stage reads its own in any case. */
  compute(prepared: PreparedFiles, model: LoadedModel, outputs?: readonly string[]): Promise<CallAnswer>;
  /** An input of the size that files become, all black. */
  blank(): Tensor;
}

/** Files that are decoded at once. */
const decodesMax = 4;
/** Pixels of a side for a warm-up input, where neither pipeline nor model says. */
const blankSide = 224;

interface ImageRow {
  readonly bytes: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export function openPipeline(
  pipeline: ImagePipeline,
  stage: ReadableStage | undefined,
  signature: ModelSignature,
): FilePipeline {
  const spec = inputOf(pipeline, signature);
  const datatype = spec.datatype as ImageDatatype;
  const norm = makeNormalisation(pipeline, datatype);
  const stageOutput = stage === undefined ? undefined : (stage.output ?? signature.outputs[0]?.name);
  if (stageOutput !== undefined && !signature.outputs.some((output) => output.name === stageOutput)) {
    throw new FlyballError(
      'MODEL_LOAD_FAILED',
      `the output stage reads ${stageOutput}, which is no output of the model`,
    );
  }

  async function toRow(file: Uint8Array): Promise<ImageRow> {
    const pixels = await decodeImage(file, { grey: norm.channels === 1, pixelsMax: pipeline.pixelsMax });
    const geometry = geometryOf(pixels.width, pixels.height, pipeline);
    const elements = fusedPass(pixels, geometry, norm);
    const bytes = new Uint8Array(elements.buffer as ArrayBuffer);
    return { bytes, width: geometry.width, height: geometry.height };
  }

  function toTensor(rows: readonly Uint8Array[], width: number, height: number): Tensor {
    const size = norm.planar ? [norm.channels, height, width] : [height, width, norm.channels];
    const rest = spec.shape.slice(1);
    // A model that takes the pixels in another shape ([784], say) gets them so when their number is the same.
    const flat = rest.length !== 3 && !rest.includes(-1) && elementCount(rest) === elementCount(size);
    const [first] = rows;
    const bytes = rows.length === 1 && first !== undefined ? first : joinBytes(rows);
    return { name: spec.name, datatype, shape: [rows.length, ...(flat ? rest : size)], bytes };
  }

  async function prepare(files: readonly Uint8Array[], signal?: AbortSignal): Promise<PreparedFiles> {
    const began = performance.now();
    const rows: (ImageRow | FlyballError)[] = [];
    let next = 0;
    async function decodeSome(): Promise<void> {
      while (next < files.length) {
        signal?.throwIfAborted();
        const index = next;
        next += 1;
        try {
          rows[index] = await toRow(files[index] as Uint8Array);
        } catch (thrown) {
          rows[index] = toFlyballError(thrown);
        }
      }
    }
    await Promise.all(Array.from({ length: Math.min(decodesMax, files.length) }, decodeSome));

    const failed: FailedItem[] = [];
    const bySize = new Map<string, { indices: number[]; rows: ImageRow[] }>();
    for (const [index, row] of rows.entries()) {
      if (row instanceof FlyballError) {
        failed.push({ index, code: row.code, message: row.message });
        continue;
      }
      const key = signature.batchable ? `${row.width}x${row.height}` : String(index);
      const group = bySize.get(key) ?? { indices: [], rows: [] };
      group.indices.push(index);
      group.rows.push(row);
      bySize.set(key, group);
    }
    const groups = [...bySize.values()].map(({ indices, rows }) => ({
      indices,
      tensor: toTensor(
        rows.map((row) => row.bytes),
        rows[0]?.width ?? 0,
        rows[0]?.height ?? 0,
      ),
    }));
    return { groups, failed, inputMs: performance.now() - began, files: [] };
  }

  return {
    prepare,
    async compute({ groups, failed, inputMs }, model, outputs) {
      // Without an output stage there is no readable answer: who wants only that gets the tensors.
      const unread = outputs === undefined || (outputs.length === 0 && stage === undefined);
      const wanted = unread ? signature.outputs.map((output) => output.name) : outputs;
      const asked = stageOutput === undefined || wanted.includes(stageOutput) ? wanted : [...wanted, stageOutput];
      const results: { indices: readonly number[]; outputs: readonly Tensor[] }[] = [];
      const readable: unknown[] = [];
      let computeMs = 0;
      for (const group of groups) {
        const result = await model.run([group.tensor], asked);
        computeMs += result.computeMs;
        results.push({ indices: group.indices, outputs: result.outputs });
        const read = result.outputs.find((output) => output.name === stageOutput);
        if (stage !== undefined && read !== undefined) {
          for (const [row, answer] of makeReadable(stage, read).entries()) readable[group.indices[row] ?? 0] = answer;
        }
      }
      return {
        kind: 'computed',
        outputs: joinRows(results).filter((output) => wanted.includes(output.name)),
        failed,
        // Failed items leave holes.
        ...(stage === undefined ? {} : { readable: Object.values(readable) }),
        inputMs,
        computeMs,
      };
    },
    blank() {
      const fixed = fixedSize(pipeline);
      const [height, width] = norm.planar ? [spec.shape[2], spec.shape[3]] : [spec.shape[1], spec.shape[2]];
      const side = (...known: (number | undefined)[]): number =>
        known.find((size) => size !== undefined && size > 0) ?? blankSide;
      const size = {
        width: side(fixed.width, spec.shape.length === 4 ? width : undefined, fixed.height),
        height: side(fixed.height, spec.shape.length === 4 ? height : undefined, fixed.width),
      };
      const elements = fusedPass(
        { data: new Uint8Array(1), width: 1, height: 1, channels: 1 },
        { resizedWidth: size.width, resizedHeight: size.height, left: 0, top: 0, ...size },
        norm,
      );
      return toTensor([new Uint8Array(elements.buffer as ArrayBuffer)], size.width, size.height);
    },
  };
}

function inputOf(pipeline: ImagePipeline, signature: ModelSignature): TensorSpec {
  const names = signature.inputs.map((input) => input.name).join(', ');
  if (signature.inputs.length !== 1) {
    throw new FlyballError('MODEL_LOAD_FAILED', `an image pipeline fills one input, but the model has ${names}`);
  }
  const spec = signature.inputs.find((input) => input.name === (pipeline.input ?? input.name));
  if (spec === undefined) {
    throw new FlyballError(
      'MODEL_LOAD_FAILED',
      `the pipeline fills ${pipeline.input ?? ''}, but the model has ${names}`,
    );
  }
  if (!['FP32', 'FP16', 'UINT8'].includes(spec.datatype)) {
    throw new FlyballError(
      'MODEL_LOAD_FAILED',
      `an image pipeline makes FP32, FP16 or UINT8, but the input ${spec.name} is ${spec.datatype}`,
    );
  }
  return spec;
}
