/** Where things are in the picture of the lanes, in px, for a width. Pure. */
import type { Span } from '../deployment/range.ts';
import { lanes } from './lanes.ts';

const loadPx = 52;
const lanePx = 34;
const axisPx = 20;
const namesPx = 156;
/** Between a lane and the next. */
const gapPx = 6;
/** Narrower, names stand above their lanes. */
const narrowPx = 620;

export interface Frame {
  readonly window: Span;
  readonly wholePx: number;
  readonly heightPx: number;
  /** Of the picture without its axis. */
  readonly lanesPx: number;
  readonly isNarrow: boolean;
  /** Of what is drawn by time. */
  readonly left: number;
  readonly width: number;
  readonly load: { readonly top: number; readonly height: number };
  /** Of lane `index`: its ground, and the base line of its name. */
  readonly lane: (index: number) => { readonly top: number; readonly height: number; readonly nameY: number };
  readonly xOf: (at: number) => number;
  /** The moment at an x of the picture, inside the window. */
  readonly momentAt: (x: number) => number;
  readonly msOf: (px: number) => number;
}

export function frameOf(wholePx: number, window: Span): Frame {
  const isNarrow = wholePx < narrowPx;
  const left = isNarrow ? 0 : namesPx;
  const above = isNarrow ? 14 : 0;
  const width = wholePx - left;
  const reach = window.to - window.from;
  const topOf = (index: number): number => above + loadPx + index * (lanePx + above);
  const heightPx = topOf(lanes.length) + axisPx;
  return {
    window,
    wholePx,
    heightPx,
    lanesPx: heightPx - axisPx,
    isNarrow,
    left,
    width,
    load: { top: above, height: loadPx - gapPx },
    lane(index) {
      const top = topOf(index);
      const height = lanePx - gapPx;
      return { top: top + above, height, nameY: isNarrow ? top + 10 : top + height / 2 + 4 };
    },
    xOf: (at) => left + ((at - window.from) / reach) * width,
    momentAt: (x) => window.from + (Math.min(Math.max(x - left, 0), width) / width) * reach,
    msOf: (px) => (px / width) * reach,
  };
}
