/**
 * What the MAR-INF/MANIFEST.json of a TorchServe archive says, as far as it matters here, and what its handler means as
 * settings of ours. Pure. A handler is a Python class: the built-in ones whose work can be declared are mapped, any other
 * is refused with the way out.
 */
import { FlyballError } from '../../errors.ts';
import type { ModelFileInput } from '../../registry/registry.ts';

export interface MarManifest {
  readonly modelName: string;
  /** As TorchServe's clients write it: `1.0`. */
  readonly modelVersion: string;
  readonly serializedFile: string | undefined;
  readonly handler: string;
  readonly modelFile: string | undefined;
  readonly requirementsFile: string | undefined;
  readonly configFile: string | undefined;
}

export const manifestName = 'MAR-INF/MANIFEST.json';

/** The label under which a version keeps the name that TorchServe's clients call it by. */
export const versionLabel = 'torchserve.version';

export function readManifest(text: string): MarManifest {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new FlyballError('INVALID_MODEL', `${manifestName}: expected JSON: ${(cause as Error).message}`, { cause });
  }
  const model = (value as { readonly model?: unknown } | null)?.model;
  if (typeof model !== 'object' || model === null || Array.isArray(model)) {
    throw new FlyballError('INVALID_MODEL', `${manifestName}: expected an object under model`);
  }
  const word = (key: string): string | undefined => {
    const found = Object.hasOwn(model, key) ? (model as Readonly<Record<string, unknown>>)[key] : undefined;
    if (found === undefined || found === null || found === '') return undefined;
    if (typeof found === 'string' && found.length <= 255) return found;
    throw new FlyballError('INVALID_MODEL', `${manifestName}: model.${key}: expected text of at most 255 characters`);
  };
  const required = (key: string): string => {
    const found = word(key);
    if (found !== undefined) return found;
    throw new FlyballError('INVALID_MODEL', `${manifestName}: model.${key} is missing`);
  };
  return {
    modelName: required('modelName'),
    modelVersion: word('modelVersion') ?? '1.0',
    serializedFile: word('serializedFile'),
    handler: required('handler'),
    modelFile: word('modelFile'),
    requirementsFile: word('requirementsFile'),
    configFile: word('configFile'),
  };
}

/** The number that a version gets here: 2.0 and 2 are 2; any other counts on from what is there. */
export function versionNumber(modelVersion: string): number | undefined {
  const match = /^([1-9]\d{0,8})(?:\.0)*$/.exec(modelVersion);
  return match === null ? undefined : Number(match[1]);
}

const exportIt =
  'export it to ONNX (torch.onnx.export(model.eval(), example, "model.onnx", input_names=["input"], output_names=["output"], dynamic_axes={"input": {0: "batch"}, "output": {0: "batch"}})) and add the .onnx file, or an archive of it; docs/torchserve.md has the steps';

/** The name of the ONNX file. INVALID_MODEL with the way out for anything else. */
export function onnxFileOf({ serializedFile, modelFile }: MarManifest): string {
  if (serializedFile?.endsWith('.onnx') === true && modelFile === undefined) return serializedFile;
  const what =
    modelFile !== undefined
      ? `an eager model (${modelFile}${serializedFile === undefined ? '' : ` with ${serializedFile}`}), which is Python code`
      : serializedFile === undefined
        ? 'no serialized file: its handler brings the model, which is Python code'
        : `${serializedFile}, which needs PyTorch`;
  throw new FlyballError(
    'INVALID_MODEL',
    `expected an archive whose serialized file is ONNX, got ${what}; ${exportIt}`,
  );
}

/** Labels by index, from index_to_name.json: `{"0": "tench"}` or `{"0": ["n01440764", "tench"]}`. */
export function labelsFrom(text: string, file: string): string[] {
  const invalid = (expected: string, cause?: unknown): FlyballError =>
    new FlyballError('INVALID_MODEL', `${file}: expected ${expected}`, { cause });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw invalid(`JSON: ${(cause as Error).message}`, cause);
  }
  const inside = (value as { readonly object_type_names?: unknown } | null)?.object_type_names ?? value;
  if (typeof inside !== 'object' || inside === null) throw invalid('an object of labels by index');
  const labels: string[] = [];
  for (const [index, name] of Object.entries(inside)) {
    const label: unknown = Array.isArray(name) ? name.at(-1) : name;
    if (!/^(?:0|[1-9]\d{0,5})$/.test(index) || typeof label !== 'string') throw invalid('indices with a label each');
    labels[Number(index)] = label;
  }
  return Array.from(labels, (label, index) => label ?? String(index));
}

/** What TorchServe's own image_classifier does: shorter side 256, centre 224, ImageNet's mean and deviation, top 5. */
const imageClassifier = {
  pipeline: {
    resize: { shorterSide: 256 },
    crop: { width: 224, height: 224 },
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  output: { kind: 'classification', topK: 5, softmax: true, as: 'map' },
} as const;

/** Settings that stand for the handler. NOT_IMPLEMENTED-like refusals are INVALID_MODEL, with the way out. */
export function handlerSettings(handler: string, labels: readonly string[] | undefined): ModelFileInput {
  switch (handler) {
    case 'image_classifier':
      return {
        pipeline: {
          ...imageClassifier.pipeline,
          mean: [...imageClassifier.pipeline.mean],
          std: [...imageClassifier.pipeline.std],
        },
        output: { ...imageClassifier.output, ...(labels !== undefined && { labels: [...labels] }) },
      };
    case 'base_handler':
      return {};
    default: {
      const builtIn = ['image_segmenter', 'object_detector', 'text_classifier'].includes(handler);
      throw new FlyballError(
        'INVALID_MODEL',
        `expected the handler image_classifier or base_handler, got ${JSON.stringify(handler)}, ${builtIn ? 'whose steps cannot be declared here' : 'which is Python code'}; say what goes in and out with pipeline and output in a model.yaml, and name it as models.NAME.modelFile in the specification: then the handler is not needed. Or keep TorchServe for it and put it behind a deployment as another server`,
      );
    }
  }
}
