/**
 * A chart: uPlot's canvas for the eye, a sentence and a table for everybody, one cursor with all others on the page. The
 * arrow keys move the cursor, Page Up and Page Down by ten points; `t` shows the table. Dragging, or shift with those keys,
 * chooses a span.
 */
import type { JSX } from 'preact';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { useSignalEffect } from '@preact/signals';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { moment } from '../format/time.ts';
import { serverNow } from '../live/store.ts';
import { zone } from '../settings.ts';
import { colourTurn } from './colours.ts';
import { cursorAt } from './cursor.ts';
import { nearest, readOut, sentence } from './describe.ts';
import type { ChartModel } from './model.ts';
import { isSameShape, plotData, plotOptions } from './plot.ts';
import { ChartTable } from './table.tsx';
import { LegendKey } from './legend.tsx';

interface ChartProps {
  readonly model: ChartModel;
  readonly height?: number;
  /** A span that was chosen, by dragging or by keys; Unix milliseconds. */
  readonly onSpan?: (span: { readonly from: number; readonly to: number }) => void;
}

export function Chart({ model, height = 170, onSpan }: ChartProps): JSX.Element {
  const [isTable, setTable] = useState(false);
  /** While a span is chosen by keys: the moment at which it began. */
  const [anchor, setAnchor] = useState<number | undefined>();
  const frame = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const latest = useRef(model);
  const drawn = useRef<ChartModel | undefined>(undefined);
  latest.current = model;
  const span = useRef(onSpan);
  span.current = onSpan;

  useLayoutEffect(() => {
    const element = frame.current;
    if (element === null || isTable) return undefined;
    const make = (): void => {
      plot.current?.destroy();
      const options = plotOptions(
        () => latest.current,
        () => zone.peek(),
        { width: element.clientWidth, height },
      );
      options.hooks = {
        ...options.hooks,
        setCursor: [
          ({ cursor: { idx, left = -1 } }) => {
            const at = idx == null || left < 0 ? undefined : latest.current.at[idx];
            if (cursorAt.peek() !== at) cursorAt.value = at;
          },
        ],
        setSelect: [
          (own) => {
            const { left, width } = own.select;
            if (width < 8) return;
            const [from, to] = [own.posToVal(left, 'x'), own.posToVal(left + width, 'x')];
            own.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
            span.current?.({ from: Math.round(from), to: Math.round(to) });
          },
        ],
      };
      plot.current = new uPlot(options, plotData(latest.current), element);
      drawn.current = latest.current;
    };
    make();
    const observer = new ResizeObserver(() => plot.current?.setSize({ width: element.clientWidth, height }));
    observer.observe(element);
    return () => {
      observer.disconnect();
      plot.current?.destroy();
      plot.current = undefined;
      drawn.current = undefined;
    };
  }, [isTable, height, shapeKey(model)]);

  useEffect(() => {
    const own = plot.current;
    if (own === undefined || drawn.current === model || drawn.current === undefined) return;
    if (!isSameShape(drawn.current, model)) return;
    drawn.current = model;
    own.setData(plotData(model));
  }, [model]);

  useSignalEffect(() => {
    // Lines, axes and their words depend on both.
    void colourTurn.value;
    void zone.value;
    plot.current?.redraw(false, true);
  });
  useSignalEffect(() => {
    const at = cursorAt.value;
    const own = plot.current;
    if (own === undefined) return;
    const index = at === undefined ? -1 : nearest(latest.current.at, at);
    const left = index === -1 ? -10 : own.valToPos(latest.current.at[index] as number, 'x');
    if (Math.abs((own.cursor.left ?? -10) - left) > 0.5) own.setCursor({ left, top: 0 }, false);
  });

  const at = cursorAt.value;
  const index = at === undefined ? model.lastIndex : nearest(model.at, at);
  const shownAt = model.at[index];
  useEffect(() => {
    const own = plot.current;
    if (own === undefined) return;
    const [from, to] = anchor === undefined || at === undefined ? [0, 0] : [anchor, at].toSorted((a, b) => a - b);
    const left = own.valToPos(from as number, 'x');
    const width = anchor === undefined ? 0 : own.valToPos(to as number, 'x') - left;
    own.setSelect({ left, top: 0, width, height: width === 0 ? 0 : own.over.clientHeight }, false);
  }, [anchor, at]);
  const move = (by: number, chooses: boolean): void => {
    const to = Math.max(0, Math.min(model.at.length - 1, index + by));
    // As text is chosen: from where the cursor stood when shift was first held.
    setAnchor(chooses && onSpan !== undefined ? (anchor ?? shownAt) : undefined);
    cursorAt.value = model.at[to];
  };
  const finish = (): void => {
    if (anchor === undefined) return;
    setAnchor(undefined);
    if (at !== undefined && at !== anchor) onSpan?.({ from: Math.min(at, anchor), to: Math.max(at, anchor) });
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: -1,
      ArrowRight: 1,
      PageUp: -10,
      PageDown: 10,
      Home: -Infinity,
      End: Infinity,
    };
    const step = steps[event.key];
    if (step !== undefined) {
      event.preventDefault();
      move(step, event.shiftKey);
    } else if (event.key === 't' && !event.ctrlKey && !event.metaKey && !event.altKey) setTable(!isTable);
    else if (event.key === 'Escape') {
      setAnchor(undefined);
      cursorAt.value = undefined;
    }
  };
  const values = index < 0 ? [] : readOut(model, index);
  const wordsOf = (each: number): string => moment(each, zone.value, serverNow());
  const said = shownAt === undefined ? '' : wordsOf(shownAt);
  const chosen = anchor === undefined ? said : `${wordsOf(anchor)} to ${said}`;
  return (
    <figure class="chart" aria-label={model.title}>
      <div class="chart-head">
        <h3>{model.title}</h3>
        <p class="chart-read">
          {values.map(({ line, text }) => (
            <span key={line.id} class="chart-value">
              <LegendKey line={line} /> {line.name} <b>{text}</b>
            </span>
          ))}
        </p>
        <span class="chart-at">{at === undefined ? '' : chosen}</span>
        <button type="button" class="button small quiet" aria-pressed={isTable} onClick={() => setTable(!isTable)}>
          Table
        </button>
      </div>
      {isTable ? (
        <ChartTable model={model} />
      ) : (
        <div
          class="chart-canvas"
          ref={frame}
          tabIndex={0}
          role="slider"
          aria-label={`Cursor of ${model.title}`}
          aria-valuemin={0}
          aria-valuemax={Math.max(0, model.at.length - 1)}
          aria-valuenow={Math.max(0, index)}
          aria-valuetext={`${chosen}: ${values.map(({ line, text }) => `${line.name} ${text}`).join(', ')}`}
          style={{ height: `${height}px` }}
          onKeyDown={onKeyDown}
          onKeyUp={({ key }: KeyboardEvent) => key === 'Shift' && finish()}
          onBlur={finish}
        />
      )}
      <figcaption class="sr-only">{sentence(model, zone.value)}</figcaption>
    </figure>
  );
}

function shapeKey({ id, lines }: ChartModel): string {
  return `${id} ${lines.map((line) => `${line.id}:${line.kind}:${line.colour}`).join(' ')}`;
}
