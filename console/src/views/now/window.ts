/** Which rows of a long table are worth drawing. Pure. */

export interface Rows {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
  /** Pixels before and after, for those that are not drawn. */
  readonly beforePx: number;
  readonly afterPx: number;
}

/** Drawn beyond what is seen, so that scrolling does not show the paper. */
const spare = 6;
/** As many are drawn whole: find-in-page and printing see them all. */
const wholeMax = 60;

/** `topPx`: how far the table's first row is above the top of the window; negative below it. */
export function rowsIn(count: number, rowPx: number, topPx: number, windowPx: number): Rows {
  if (count <= wholeMax) return { first: 0, end: count, beforePx: 0, afterPx: 0 };
  const first = Math.min(count, Math.max(0, Math.floor(topPx / rowPx) - spare));
  const end = Math.max(first, Math.min(count, Math.ceil((topPx + windowPx) / rowPx) + spare));
  return { first, end, beforePx: first * rowPx, afterPx: (count - end) * rowPx };
}
