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
/** Rows come and go so many at a time: what a browser does for any of them it then does once for all. */
const stride = 4;
/** As many are drawn whole: find-in-page and printing see them all. */
const wholeMax = 60;

/** `topPx`: how far the table's first row is above the top of the window; negative below it. */
export function rowsIn(count: number, rowPx: number, topPx: number, windowPx: number): Rows {
  if (count <= wholeMax) return { first: 0, end: count, beforePx: 0, afterPx: 0 };
  const firstWanted = Math.floor((Math.floor(topPx / rowPx) - spare) / stride) * stride;
  const first = Math.min(count, Math.max(0, firstWanted));
  const endWanted = Math.ceil((Math.ceil((topPx + windowPx) / rowPx) + spare) / stride) * stride;
  const end = Math.max(first, Math.min(count, endWanted));
  return { first, end, beforePx: first * rowPx, afterPx: (count - end) * rowPx };
}

export interface Scrolled {
  readonly first: number;
  /** One past the last. */
  readonly end: number;
  /** Of everything, in the frame that scrolls. */
  readonly heightPx: number;
  /** Where the first row that is drawn begins, from the top of everything. */
  readonly offsetPx: number;
}

/** Browsers draw nothing beyond some height: Firefox ends at 17.8 million pixels, which a million rows exceed. */
const heightMaxPx = 15_000_000;

/** As `rowsIn`, for a frame that scrolls by itself; where the rows are too many for a browser, scrolling is faster. */
export function scrolledRows(count: number, rowPx: number, scrollPx: number, windowPx: number): Scrolled {
  const wholePx = count * rowPx;
  const heightPx = Math.min(wholePx, heightMaxPx);
  const scrollMaxPx = Math.max(0, heightPx - windowPx);
  const scrolledPx = Math.min(Math.max(0, scrollPx), scrollMaxPx);
  const topPx = scrollMaxPx === 0 ? 0 : (scrolledPx / scrollMaxPx) * Math.max(0, wholePx - windowPx);
  const first = Math.max(0, Math.floor(topPx / rowPx) - spare);
  const end = Math.max(first, Math.min(count, Math.ceil((topPx + windowPx) / rowPx) + spare));
  return { first, end, heightPx, offsetPx: scrolledPx + first * rowPx - topPx };
}

/** How far to scroll so that a row is at the top, as far as there is anything below it. */
export function scrollTo(row: number, count: number, rowPx: number, windowPx: number): number {
  const wholePx = count * rowPx;
  const heightPx = Math.min(wholePx, heightMaxPx);
  if (wholePx <= windowPx) return 0;
  return Math.min(1, (row * rowPx) / (wholePx - windowPx)) * (heightPx - windowPx);
}
