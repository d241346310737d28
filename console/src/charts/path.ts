/** Lines of small charts as SVG paths. Pure: what is not known breaks the line and is never drawn as zero. */

export interface Frame {
  readonly width: number;
  readonly height: number;
  /** Of the values: what is at the bottom and at the top. */
  readonly low: number;
  readonly high: number;
}

const rounded = (value: number): number => Math.round(value * 10) / 10;

/** Evenly spaced values, as `M… L…`; `step`: held until the next. */
export function linePath(values: readonly (number | null | undefined)[], frame: Frame, step = false): string {
  const { width, height, low, high } = frame;
  const reach = high - low;
  const x = (index: number): number => rounded(values.length < 2 ? width : (index / (values.length - 1)) * width);
  const y = (value: number): number =>
    rounded(reach === 0 ? height : height - ((Math.min(Math.max(value, low), high) - low) / reach) * height);
  let path = '';
  let isDrawing = false;
  for (const [index, value] of values.entries()) {
    if (value == null || !Number.isFinite(value)) {
      isDrawing = false;
      continue;
    }
    if (!isDrawing) path += `M${x(index)} ${y(value)}`;
    else if (step) path += `H${x(index)}V${y(value)}`;
    else path += `L${x(index)} ${y(value)}`;
    // A value between two that are not known is a point; a line of no length is drawn with a round end.
    const after = values[index + 1];
    if (!isDrawing && (after == null || !Number.isFinite(after))) path += 'h0.01';
    isDrawing = true;
  }
  return path;
}

/** The largest that is known; `floor` where nothing is larger. */
export function highest(values: readonly (number | null | undefined)[], floor: number): number {
  return values.reduce<number>((most, value) => (value != null && value > most ? value : most), floor);
}
