/**
 * The body of an inference as it is typed: made from a signature, and held against it before it is sent. Pure.
 * One thing is of the page alone: a single value in place of a list fills the tensor with it.
 */
import type { VersionView } from '../../../../../src/api/schemas.ts';
import { elementsOf, ofOne } from './takes.ts';

type TensorSpec = VersionView['signature']['inputs'][number];

export interface Problem {
  /** `inputs[0].shape` */
  readonly where: string;
  readonly expected: string;
  readonly came: string;
}

export type Checked =
  | { readonly kind: 'ready'; readonly body: string; readonly tensors: readonly TypedTensor[] }
  | { readonly kind: 'wrong'; readonly problems: readonly Problem[] };

export interface TypedTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** Flat. */
  readonly data: readonly unknown[];
}

/** More are not written out. */
const writtenMax = 1024;
const elementsMax = 4_194_304;

const zeroOf = (datatype: string): unknown => (datatype === 'BYTES' ? '' : datatype === 'BOOL' ? false : 0);

/** `data` in as many lines as its last dimension asks for, so that a picture looks like one. */
function written(count: number, width: number, zero: unknown): string {
  if (count > writtenMax) return JSON.stringify(zero);
  const value = JSON.stringify(zero);
  const line = Array.from({ length: width }, () => value).join(', ');
  if (count === width) return `[${line}]`;
  return `[\n${Array.from({ length: count / width }, () => `        ${line}`).join(',\n')}\n      ]`;
}

export function templateOf(inputs: readonly TensorSpec[]): string {
  const tensors = inputs.map(({ name, datatype, shape }) => {
    const one = ofOne(shape);
    const data = written(elementsOf(one), Math.max(1, one.at(-1) ?? 1), zeroOf(datatype));
    const head = `"name": ${JSON.stringify(name)}, "datatype": "${datatype}", "shape": ${JSON.stringify(one)}`;
    return `    {\n      ${head},\n      "data": ${data}\n    }`;
  });
  return `{\n  "inputs": [\n${tensors.join(',\n')}\n  ]\n}\n`;
}

const show = (value: unknown): string => {
  const text = value === undefined ? 'nothing' : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 57)}…` : text;
};

const shapeWords = (shape: readonly number[]): string =>
  `[${shape.map((size) => (size === -1 ? 'any' : size)).join(', ')}]`;

const integers: Readonly<Record<string, readonly [number, number]>> = {
  UINT8: [0, 255],
  UINT16: [0, 65_535],
  UINT32: [0, 4_294_967_295],
  UINT64: [0, 2 ** 64],
  INT8: [-128, 127],
  INT16: [-32_768, 32_767],
  INT32: [-2_147_483_648, 2_147_483_647],
  INT64: [-(2 ** 63), 2 ** 63],
};

/** Undefined where it fits. */
function misfit(value: unknown, datatype: string): string | undefined {
  if (datatype === 'BYTES') return typeof value === 'string' ? undefined : 'a text in quotes';
  if (datatype === 'BOOL') return typeof value === 'boolean' ? undefined : 'true or false';
  const range = integers[datatype];
  if (range === undefined) return typeof value === 'number' ? undefined : 'a number';
  const [min, max] = range;
  const fits = typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max;
  return fits ? undefined : `a whole number of ${datatype}`;
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

interface Read {
  readonly problems: readonly Problem[];
  readonly tensor?: TypedTensor;
  readonly isFilled?: boolean;
}

function readTensor(given: unknown, where: string, specs: readonly TensorSpec[]): Read {
  const wrong = (field: string, expected: string, came: unknown): Read => ({
    problems: [{ where: `${where}${field}`, expected, came: typeof came === 'string' ? came : show(came) }],
  });
  if (!isRecord(given)) return wrong('', '{ "name", "datatype", "shape", "data" }', given);
  const spec = specs.find(({ name }) => name === given['name']);
  if (spec === undefined) return wrong('.name', specs.map(({ name }) => `"${name}"`).join(' or '), show(given['name']));
  const { name, datatype, shape: wanted } = spec;
  if (given['datatype'] !== datatype) return wrong('.datatype', `"${datatype}"`, show(given['datatype']));
  if (datatype === 'BF16')
    return wrong('.datatype', 'a datatype that JSON has a form for; BF16 goes in binary', '"BF16"');
  const { shape, data } = given;
  const isShape = (value: unknown): value is number[] =>
    Array.isArray(value) && value.every((size) => Number.isInteger(size) && size >= 0);
  const fits =
    isShape(shape) &&
    shape.length === wanted.length &&
    wanted.every((size, axis) => size === -1 || size === shape[axis]);
  if (!fits) return wrong('.shape', shapeWords(wanted), shape);
  const count = shape.reduce((product, size) => product * size, 1);
  if (count > elementsMax) return wrong('.shape', `at most ${elementsMax} values from here`, shape);
  if (data === undefined) return wrong('.data', `${count} values`, data);
  const isFilled = !Array.isArray(data);
  const flat: unknown[] = isFilled ? Array.from({ length: count }, () => data) : data.flat(Infinity);
  const bad = flat.findIndex((value) => misfit(value, datatype) !== undefined);
  if (bad !== -1) {
    const at = isFilled ? '' : ` (value ${bad + 1})`;
    return wrong(`.data`, misfit(flat[bad], datatype) as string, `${show(flat[bad])}${at}`);
  }
  if (flat.length !== count)
    return wrong('.data', `${count} values for shape ${shapeWords(shape)}`, `${flat.length} values`);
  return { problems: [], tensor: { name, datatype, shape, data: flat }, isFilled };
}

/** `specs` undefined: of a version that the caller may not look at; then only the form is looked at. */
export function checkBody(text: string, specs: readonly TensorSpec[] | undefined): Checked {
  const wrong = (...problems: Problem[]): Checked => ({ kind: 'wrong', problems });
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch (error) {
    return wrong({ where: 'the text', expected: 'JSON', came: placeOf(text, (error as Error).message) });
  }
  if (!isRecord(body)) return wrong({ where: 'the text', expected: '{ "inputs": […] }', came: show(body) });
  const { inputs } = body;
  if (!Array.isArray(inputs)) return wrong({ where: 'inputs', expected: 'a list of tensors', came: show(inputs) });
  if (specs === undefined) return { kind: 'ready', body: text, tensors: inputs as TypedTensor[] };
  const read = inputs.map((each, index) => readTensor(each, `inputs[${index}]`, specs));
  const problems = read.flatMap((each) => each.problems);
  const names = inputs.map((each) => (isRecord(each) ? each['name'] : undefined));
  const missing = specs.filter(({ name }) => !names.includes(name));
  if (problems.length === 0)
    for (const { name } of missing) problems.push({ where: 'inputs', expected: `a tensor "${name}"`, came: 'none' });
  const twice = specs.find(({ name }) => names.indexOf(name) !== names.lastIndexOf(name));
  if (twice !== undefined)
    problems.push({ where: 'inputs', expected: `one tensor "${twice.name}"`, came: 'more than one' });
  if (problems.length > 0) return wrong(...problems);
  const tensors = read.flatMap(({ tensor }) => (tensor === undefined ? [] : [tensor]));
  // As it was typed where nothing is filled: numbers beyond 2^53 would not survive being read and written again.
  const isAsTyped = read.every(({ isFilled }) => isFilled === false);
  return { kind: 'ready', body: isAsTyped ? text : JSON.stringify({ ...body, inputs: tensors }), tensors };
}

/** `… at line 3, column 7`: browsers say it in words of their own, or as a position, or not at all. */
function placeOf(text: string, message: string): string {
  const position = /position (\d+)/.exec(message)?.[1];
  if (position === undefined || /line \d+/.test(message)) return message;
  const before = text.slice(0, Number(position)).split('\n');
  return `${message} (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}
