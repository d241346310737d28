/** What uPlot is told of a chart: scales, axes, strokes; and the marks on the axis, which it does not know. */
import uPlot from 'uplot';
import { unitName, words } from '../format/quantity.ts';
import { clock, zoneName, type Zone } from '../format/time.ts';
import { colour, veil } from './colours.ts';
import { dashOf } from './dashes.ts';
import type { ChartModel, Line } from './model.ts';

const dayMs = 86_400_000;
const axisFont = "11px system-ui, 'Liberation Sans', 'DejaVu Sans', sans-serif";

const widths: Readonly<Record<Line['kind'], number>> = { line: 1.6, step: 1.8, limit: 1.2, grey: 1.2, forecast: 1.4 };
function lonely(values: ArrayLike<number | null | undefined>): number[] {
  const found: number[] = [];
  for (let index = 0; index < values.length; index += 1) {
    if (values[index] != null && values[index - 1] == null && values[index + 1] == null) found.push(index);
  }
  return found;
}

/** More points than pixels: a line of one pixel is as clear, and drawn several times as fast without a graphics card. */
const denseFrom = 2000;

function seriesOf(line: Line, points: number): uPlot.Series {
  const { kind, name } = line;
  const isStep = kind === 'step' || kind === 'grey';
  const stepped = uPlot.paths.stepped?.({ align: 1 });
  return {
    label: name,
    stroke: () => colour(line.colour),
    width: points > denseFrom ? 1 : widths[kind],
    dash: [...dashOf(line)],
    spanGaps: false,
    // A point between two that are not known would not be seen as a line.
    points: {
      show: false,
      filter: (plot, index) => lonely(plot.data[index] ?? []),
      size: 4,
      width: 0,
      fill: () => colour(line.colour),
    },
    ...(isStep && stepped !== undefined ? { paths: stepped } : {}),
  };
}

/** Triangles and bars at the foot of the plot. */
function drawMarks(plot: uPlot, model: ChartModel): void {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  for (const { at, shape } of model.marks ?? []) {
    const x = plot.valToPos(at, 'x', true);
    if (x < bbox.left || x > bbox.left + bbox.width) continue;
    const y = bbox.top + bbox.height - 5 * ratio;
    const size = 4 * ratio;
    ctx.beginPath();
    if (shape === 'up' || shape === 'down') {
      const tip = shape === 'up' ? -size : size;
      ctx.moveTo(x, y + tip);
      ctx.lineTo(x + size, y - tip);
      ctx.lineTo(x - size, y - tip);
      ctx.closePath();
    } else ctx.rect(x - ratio, y - size, 2 * ratio, 2 * size);
    ctx.fillStyle = colour(shape === 'up' ? 'series-2' : shape === 'down' ? 'series-1' : 'text');
    ctx.fill();
  }
  ctx.restore();
}

export interface PlotSize {
  readonly width: number;
  readonly height: number;
}

/** `model` is a function, since what is drawn may be newer than what the plot was made for. */
export function plotOptions(model: () => ChartModel, zone: () => Zone, size: PlotSize): uPlot.Options {
  const first = model();
  const index = (id: string): number => model().lines.findIndex((line) => line.id === id) + 1;
  const grid = { stroke: () => colour('grid'), width: 1 };
  const ticks = { ...grid, size: 4 };
  return {
    ...size,
    ms: 1,
    tzDate: (ms) => uPlot.tzDate(new Date(ms), zone()),
    legend: { show: false },
    cursor: { y: false, points: { size: 6, width: 1.5 }, drag: { x: true, y: false, setScale: false } },
    scales: {
      x: {
        time: true,
        range: () => {
          const { from, to } = model().span;
          return [from, to];
        },
      },
      y: {
        range: (_plot, _low, high) => {
          const top = Math.max(model().floor, Number.isFinite(high) ? high : 0);
          return [0, top * 1.08];
        },
      },
    },
    axes: [
      {
        stroke: () => colour('muted'),
        font: axisFont,
        grid,
        ticks,
        size: first.isLowest ? 26 : 6,
        space: 80,
        values: (_plot, splits) => {
          if (!model().isLowest) return splits.map(() => '');
          const isLong = (splits.at(-1) ?? 0) - (splits[0] ?? 0) > dayMs;
          return splits.map((at, position) => {
            const text = clock(at, zone(), (splits[1] ?? 0) - (splits[0] ?? 0) < 60_000 ? 'second' : 'minute');
            if (position === 0) return `${text} ${zoneName(at, zone())}`;
            return isLong && text === '00:00' ? clock(at, zone(), 'date') : text;
          });
        },
      },
      {
        stroke: () => colour('muted'),
        font: axisFont,
        grid,
        ticks: { show: false },
        size: 62,
        space: 28,
        values: (_plot, splits) =>
          splits.map((value) => {
            // Half a replica is not a thing.
            if (first.unit === 'replicas' && !Number.isInteger(value)) return null;
            return words(value, first.unit).replace(` ${unitName(first.unit)}`, '');
          }),
      },
    ],
    series: [{}, ...first.lines.map((line) => seriesOf(line, first.at.length))],
    bands: (first.bands ?? []).map(({ between: [high, low], colour: name }) => ({
      series: [index(high), index(low)] as uPlot.Band.Bounds,
      fill: () => veil(name, 0.14),
    })),
    hooks: { draw: [(plot) => drawMarks(plot, model())] },
  };
}

export function plotData({ at, lines }: ChartModel): uPlot.AlignedData {
  return [at as number[], ...lines.map(({ values }) => values as (number | null)[])];
}

/** Whether a plot that was made for one can show the other by new data alone. */
export function isSameShape(a: ChartModel, b: ChartModel): boolean {
  const shape = ({ id, unit, lines, bands = [] }: ChartModel): string =>
    JSON.stringify([id, unit, lines.map((line) => [line.id, line.kind, line.colour]), bands]);
  return shape(a) === shape(b);
}
