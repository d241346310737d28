/** What came back, as it is best shown: labels with scores, tensors, a text, or JSON as it is. Pure. */

export interface Scored {
  readonly label: string;
  readonly score: number;
}
export interface ShownTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
  /** The first of them, each with its place. */
  readonly values: readonly { readonly place: string; readonly value: string }[];
  readonly count: number;
}
export type Shown =
  | { readonly kind: 'labels'; readonly labels: readonly Scored[] }
  | { readonly kind: 'tensors'; readonly tensors: readonly ShownTensor[] }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'json'; readonly text: string };

/** Values of a tensor, and characters of anything else, that are shown. */
const valuesMax = 50;
const textMax = 20_000;

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isScored = (value: unknown): value is Scored =>
  isRecord(value) && typeof value['label'] === 'string' && typeof value['score'] === 'number';
const byScore = (left: Scored, right: Scored): number => right.score - left.score;

/** `[0, 7]` of the seventh of ten in shape [1, 10]. */
export function placeOf(index: number, shape: readonly number[]): string {
  const place: number[] = [];
  let rest = index;
  for (const size of shape.toReversed()) {
    place.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return `[${place.join(', ')}]`;
}

function toTensor(value: unknown): ShownTensor | undefined {
  if (!isRecord(value) || !Array.isArray(value['data']) || !Array.isArray(value['shape'])) return undefined;
  const { name, datatype } = value;
  const shape = value['shape'] as number[];
  const data: unknown[] = value['data'].flat(Infinity);
  const values = data.slice(0, valuesMax).map((each, index) => ({
    place: placeOf(index, shape),
    value: typeof each === 'string' ? each : JSON.stringify(each),
  }));
  return { name: String(name), datatype: String(datatype), shape, values, count: data.length };
}

function cut(text: string): string {
  return text.length <= textMax ? text : `${text.slice(0, textMax)}\n… ${text.length - textMax} more characters`;
}

export function shownOf(body: unknown): Shown {
  if (typeof body === 'string') return { kind: 'text', text: cut(body) };
  if (Array.isArray(body) && body.length > 0 && body.every(isScored))
    return { kind: 'labels', labels: body.toSorted(byScore) };
  if (isRecord(body)) {
    const outputs = body['outputs'];
    const tensors = Array.isArray(outputs) ? outputs.map(toTensor) : [];
    if (tensors.length > 0 && !tensors.includes(undefined))
      return { kind: 'tensors', tensors: tensors as ShownTensor[] };
    const entries = Object.entries(body);
    // TorchServe's way: scores by label.
    if (entries.length > 1 && entries.every(([, value]) => typeof value === 'number' && value >= 0 && value <= 1))
      return {
        kind: 'labels',
        labels: entries.map(([label, score]) => ({ label, score: score as number })).toSorted(byScore),
      };
  }
  return { kind: 'json', text: cut(JSON.stringify(body, undefined, 2)) };
}
