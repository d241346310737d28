/** What a version can be given from the page: a drawing, a file, tensors. Pure. */
import type { VersionView } from '../../../../../src/api/schemas.ts';

export type Version = Pick<VersionView, 'signature' | 'pipeline' | 'takesFiles'>;
type TensorSpec = VersionView['signature']['inputs'][number];

export type Input = 'draw' | 'file' | 'json';

export interface Drawing {
  /** Pixels of what is sent. */
  readonly width: number;
  readonly height: number;
  /** As a picture, or as the values of the one input: 0 to `scale`, in this shape. */
  readonly as:
    | { readonly kind: 'picture' }
    | { readonly kind: 'tensor'; readonly spec: TensorSpec; readonly shape: number[]; readonly scale: number };
  /** Whether the ink is light on a dark ground, as most networks for digits have learnt it. */
  readonly lightOnDark: boolean;
}

/** Larger ones nobody wants to draw. */
const sideMax = 64;
const scales: Readonly<Record<string, number>> = { FP16: 1, FP32: 1, FP64: 1, UINT8: 255 };
const isSmall = (side: number): boolean => side >= 8 && side <= sideMax;

/** Undefined: there is nothing small and grey to be drawn. */
export function drawingOf({ signature, pipeline }: Version): Drawing | undefined {
  if (pipeline !== undefined) {
    const { width = 0, height = 0 } = pipeline.resize ?? {};
    if (pipeline.channels !== 'grey' || !isSmall(width) || !isSmall(height)) return undefined;
    return { width, height, as: { kind: 'picture' }, lightOnDark: !pipeline.invert };
  }
  const [spec, ...others] = signature.inputs;
  if (spec === undefined || others.length > 0) return undefined;
  const sides = spec.shape.slice(-3);
  const [height, width] = sides.at(-1) === 1 ? sides.slice(0, 2) : sides.slice(-2);
  const isPlain = spec.shape.length >= 2 && elementsOf(spec.shape) === (height ?? 0) * (width ?? 0);
  const scale = scales[spec.datatype];
  if (!isPlain || height === undefined || width === undefined || scale === undefined) return undefined;
  if (!isSmall(height) || !isSmall(width)) return undefined;
  return { width, height, as: { kind: 'tensor', spec, shape: ofOne(spec.shape), scale }, lightOnDark: true };
}

export function inputsOf(version: Version | undefined): Input[] {
  // Of a version that the caller may not look at, the model itself says what it takes.
  if (version === undefined) return ['json', 'file'];
  return [
    ...(drawingOf(version) === undefined ? [] : (['draw'] as const)),
    ...(version.takesFiles === true ? (['file'] as const) : []),
    'json',
  ];
}

/** The smallest shape that fits: whatever may vary is one. */
export const ofOne = (shape: readonly number[]): number[] => shape.map((size) => (size === -1 ? 1 : size));

export const elementsOf = (shape: readonly number[]): number =>
  ofOne(shape).reduce((product, size) => product * size, 1);
