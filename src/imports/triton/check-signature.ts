/**
 * A config.pbtxt held against the signature of the model's file: names, datatypes and shapes. The file decides what is
 * served; a configuration that contradicts it is a mistake, one that says less or more than it is worth a note. Pure.
 */
import { didYouMean } from '../../config/nearest.ts';
import type { ConfigurationProblem } from '../../config/problems.ts';
import type { ModelSignature, TensorSpec } from '../../protocol/tensor.ts';
import { pathInWords } from '../../config/problems.ts';
import { noteAt, type TensorConfig, type WrittenConfig } from './read-config.ts';

export interface SignatureCheck {
  readonly problems: readonly ConfigurationProblem[];
  readonly notes: readonly string[];
}

const inWords = (shape: readonly number[]): string => `[${shape.join(',')}]`;

/** TYPE_STRING is BYTES on the wire; every other name is the datatype's with a prefix. */
const toDatatype = (type: string): string => (type === 'TYPE_STRING' ? 'BYTES' : type.replace(/^TYPE_/, ''));

export function checkSignature(
  { config, set }: WrittenConfig,
  signature: ModelSignature,
  file: string,
): SignatureCheck {
  const problems: ConfigurationProblem[] = [];
  const notes: string[] = [];
  const placeOf = (path: string) => set.find((field) => pathInWords(field.path).startsWith(path))?.place;
  const problem = (path: string, text: string): void => void problems.push({ path: [path], text, ...placeOf(path) });
  const note = (path: string, text: string): void => {
    const place = placeOf(path);
    notes.push(place === undefined ? `${file}: ${path}: ${text}` : noteAt(file, [path], place, text));
  };
  const most = config.max_batch_size;

  const check = (role: 'input' | 'output', written: readonly TensorConfig[], specs: readonly TensorSpec[]): void => {
    for (const [index, tensor] of written.entries()) {
      const at = `${role}[${index}]`;
      const spec = specs.find(({ name }) => name === tensor.name);
      if (spec === undefined) {
        const names = specs.map(({ name }) => name);
        const came = tensor.name === undefined ? 'no name' : JSON.stringify(tensor.name);
        const hint = didYouMean(tensor.name ?? '', names) || `; it has ${names.join(', ')}`;
        problem(`${at}.name`, `expected an ${role} of the model's file, got ${came}${hint}`);
        continue;
      }
      const datatype = toDatatype(tensor.data_type ?? 'TYPE_INVALID');
      if (datatype !== spec.datatype)
        problem(`${at}.data_type`, `expected ${spec.datatype} as in the model's file, got ${datatype}`);
      if (tensor.is_shape_tensor === true) problem(`${at}.is_shape_tensor`, 'shape tensors are not served');
      if (tensor.optional === true) note(`${at}.optional`, `callers must send ${spec.name}`);
      checkShape(role, at, tensor, spec);
    }
    if (written.length === 0) return;
    const missing = specs.filter(({ name }) => !written.some((tensor) => tensor.name === name)).map(({ name }) => name);
    if (missing.length === 0) return;
    note(
      role,
      role === 'input'
        ? `the model's file has ${missing.join(', ')} too, which callers must send`
        : `the model's file has ${missing.join(', ')} too, which callers get unless they name their outputs`,
    );
  };

  const checkShape = (
    role: 'input' | 'output',
    at: string,
    { dims = [], reshape }: TensorConfig,
    spec: TensorSpec,
  ): void => {
    const inside = reshape?.shape ?? (reshape === undefined ? dims : []);
    const path = reshape === undefined ? `${at}.dims` : `${at}.reshape`;
    const whole = most !== undefined && most > 0 ? [-1, ...inside] : [...inside];
    // An output without a declared rank has this shape: nothing is known of it.
    if (role === 'output' && inWords(spec.shape) === '[-1]') return;
    const first = spec.shape[0] ?? 0;
    if (role === 'input' && most !== undefined && most > 0 && first > 0) {
      problem(
        'max_batch_size',
        `expected 0, got ${most}: the first dimension of ${spec.name} is ${first} in the model's file; export it with a free one, or write it into dims`,
      );
      return;
    }
    // Without max_batch_size Triton finds out by itself whether there is a batch dimension.
    const fits = agrees(whole, spec.shape) || (most === undefined && agrees([-1, ...inside], spec.shape));
    if (!fits) {
      const expected = most !== undefined && most > 0 ? spec.shape.slice(1) : spec.shape;
      problem(
        path,
        `expected ${inWords(expected)} as in the model's file${most ? ' (after the batch)' : ''}, got ${inWords(inside)}`,
      );
      return;
    }
    if (reshape !== undefined && inWords(inside) !== inWords(dims)) {
      const verb = role === 'input' ? 'send' : 'get';
      note(
        path,
        `tensors are not reshaped: callers ${verb} ${inWords(spec.shape)}, not ${inWords(dims)} after the batch`,
      );
      return;
    }
    const offset = spec.shape.length - inside.length;
    const narrowed = inside.some((size, axis) => size !== -1 && spec.shape[axis + offset] === -1);
    if (narrowed)
      note(
        path,
        `${inWords(spec.shape)} is taken, as in the model's file: requests are not held to ${inWords(inside)}`,
      );
  };

  check('input', config.input ?? [], signature.inputs);
  check('output', config.output ?? [], signature.outputs);
  return { problems, notes };
}

/** Of one rank, and of one size where both say one. */
function agrees(left: readonly number[], right: readonly number[]): boolean {
  return (
    left.length === right.length &&
    left.every((size, axis) => size === -1 || right[axis] === -1 || size === right[axis])
  );
}
