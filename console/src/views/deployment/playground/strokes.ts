/** What a pen has drawn: lines in a square from 0 to 1, and where they are drawn in a picture. Pure. */

export interface Point {
  readonly x: number;
  readonly y: number;
}
export type Stroke = readonly Point[];

/** Share of the side that the larger side of what was drawn gets: 20 of 28 pixels, as in MNIST (LeCun et al. 1998). */
const share = 20 / 28;

/** Scaled to {@link share} of the square and centred in it, proportions kept; a dot is only centred. */
export function fitted(strokes: readonly Stroke[]): Stroke[] {
  const points = strokes.flat();
  if (points.length === 0) return [];
  const xs = points.map(({ x }) => x);
  const ys = points.map(({ y }) => y);
  const [left, right, top, bottom] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  const size = Math.max(right - left, bottom - top);
  const scale = size < 0.02 ? 1 : share / size;
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const place = ({ x, y }: Point): Point => ({ x: 0.5 + (x - middleX) * scale, y: 0.5 + (y - middleY) * scale });
  return strokes.map((stroke) => stroke.map(place));
}

const clamped = (value: number): number => Math.min(1, Math.max(0, value));

export const inside = ({ x, y }: Point): Point => ({ x: clamped(x), y: clamped(y) });

const steps: Readonly<Record<string, Point>> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: -1 },
  ArrowDown: { x: 0, y: 1 },
};

/** The pen after an arrow key; undefined for any other key. */
export function moved(pen: Point, key: string, length: number): Point | undefined {
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined;
  return step && inside({ x: pen.x + step.x * length, y: pen.y + step.y * length });
}
