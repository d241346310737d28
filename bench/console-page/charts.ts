/** Four of the console's charts with four lines of 10,000 points each; every frame sets all of them anew. */
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import '../../console/src/styles/tokens.css';
import type { ChartModel } from '../../console/src/charts/model.ts';
import { plotData, plotOptions } from '../../console/src/charts/plot.ts';

const points = 10_000;
const at = Array.from({ length: points }, (_, index) => index * 1000);

function model(chart: number, turn: number): ChartModel {
  const values = (line: number): number[] =>
    at.map((_, index) => 50 + 40 * Math.sin((index + turn * 20) / (200 + 60 * line + 10 * chart)) + ((index * 7) % 11));
  return {
    id: `chart-${chart}`,
    title: `Chart ${chart}`,
    unit: 'ms',
    at,
    lines: [1, 2, 3, 4].map((line) => ({
      id: `line-${line}`,
      name: `line ${line}`,
      colour: `series-${line}`,
      kind: 'line',
      values: values(line),
    })),
    floor: 1,
    span: { from: 0, to: points * 1000 },
    lastIndex: points - 1,
    isLowest: chart === 3,
  };
}

/** Made beforehand: what is measured is the drawing and not the making up of data. */
const models = [0, 1, 2, 3].map((chart) => model(chart, 0));
const turns = Array.from({ length: 8 }, (_, turn) => [0, 1, 2, 3].map((chart) => plotData(model(chart, turn))));
const plots = models.map((own, chart) => {
  const size = { width: 900, height: 300 };
  const options = plotOptions(
    () => own,
    () => 'UTC',
    size,
  );
  return new uPlot(options, turns[0]?.[chart], document.body);
});

const frame = (): Promise<number> =>
  new Promise((resolve) => {
    requestAnimationFrame(resolve);
  });

interface Measured {
  readonly perSecond: number;
  /** Milliseconds of a frame in which the four are set and drawn, the median. */
  readonly workMs: number;
}

async function measure(frames: number): Promise<Measured> {
  const works: number[] = [];
  const first = await frame();
  let last = first;
  for (let index = 0; index < frames; index += 1) {
    const data = turns[index % turns.length] ?? [];
    const begun = performance.now();
    for (const [chart, plot] of plots.entries()) plot.setData(data[chart] ?? [[]]);
    // It is drawn at the end of the turn that set it.
    await Promise.resolve();
    works.push(performance.now() - begun);
    last = await frame();
  }
  return {
    perSecond: (frames * 1000) / (last - first),
    workMs: works.sort((a, b) => a - b)[frames >> 1] ?? Number.NaN,
  };
}

Object.assign(globalThis, { measure });
