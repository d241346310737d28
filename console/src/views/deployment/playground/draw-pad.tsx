/** A pad for one small picture: drawn with a pointer, or with arrow keys and the space bar; beside it what is sent. */
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { drawOn, inkOf } from './raster.ts';
import { fitted, inside, moved, type Point, type Stroke } from './strokes.ts';
import type { Drawing } from './takes.ts';

interface DrawPadProps {
  readonly drawing: Drawing;
  /** The picture, as it is to be sent; undefined: nothing is drawn. */
  readonly onPicture: (ink: Float32Array | undefined) => void;
}

const padPx = 280;
/** Of the pen, and of a step by an arrow key; of the side. */
const penWidth = 0.085;
const keyStep = 1 / 28;

export function DrawPad({ drawing, onPicture }: DrawPadProps): JSX.Element {
  const { width, height } = drawing;
  const pad = useRef<HTMLCanvasElement>(null);
  const sent = useRef<HTMLCanvasElement>(null);
  const [strokes, setStrokes] = useState<readonly Stroke[]>([]);
  const [isFitted, setFitted] = useState(true);
  const [light, setLight] = useState(drawing.lightOnDark);
  const [pen, setPen] = useState<(Point & { readonly isDown: boolean }) | undefined>();
  const ratio = height / width;

  const begin = (point: Point): void => setStrokes((before) => [...before, [inside(point)]]);
  const extend = (point: Point): void =>
    setStrokes((before) => [...before.slice(0, -1), [...(before.at(-1) ?? []), inside(point)]]);

  useEffect(() => {
    const { current } = pad;
    if (current !== null) drawOn(current, strokes, { penWidth, light, ...(pen === undefined ? {} : { pen }) });
  }, [strokes, light, pen]);
  useEffect(() => {
    const { current } = sent;
    if (current === null) return;
    drawOn(current, isFitted ? fitted(strokes) : strokes, { penWidth, light });
    onPicture(strokes.length === 0 ? undefined : inkOf(current));
  }, [strokes, isFitted, light, width, height]);

  const pointOf = ({ clientX, clientY, currentTarget }: PointerEvent): Point => {
    const { left, top, width: across, height: down } = (currentTarget as Element).getBoundingClientRect();
    return { x: (clientX - left) / across, y: (clientY - top) / down };
  };
  const onKey = (event: KeyboardEvent): void => {
    if (event.key === ' ') {
      event.preventDefault();
      const at = pen ?? { x: 0.5, y: 0.5, isDown: false };
      if (!at.isDown) begin(at);
      setPen({ ...at, isDown: !at.isDown });
      return;
    }
    const at = pen ?? { x: 0.5, y: 0.5, isDown: false };
    const next = moved(at, event.key, keyStep);
    if (next === undefined) return;
    event.preventDefault();
    if (at.isDown) extend(next);
    setPen({ ...next, isDown: at.isDown });
  };

  return (
    <div class="draw">
      <canvas
        ref={pad}
        class="draw-pad"
        width={padPx}
        height={Math.round(padPx * ratio)}
        tabIndex={0}
        role="application"
        aria-label={`Drawing, ${width} by ${height}: arrow keys move the pen, the space bar puts it down and lifts it`}
        onKeyDown={onKey}
        onFocus={({ currentTarget }) => {
          if (currentTarget.matches(':focus-visible')) setPen({ x: 0.5, y: 0.5, isDown: false });
        }}
        onBlur={() => setPen(undefined)}
        onPointerDown={(event) => {
          if (event.button !== 0) return;
          event.currentTarget.setPointerCapture(event.pointerId);
          setPen(undefined);
          begin(pointOf(event));
        }}
        onPointerMove={(event) => {
          if (event.currentTarget.hasPointerCapture(event.pointerId)) extend(pointOf(event));
        }}
      />
      <div class="draw-side">
        <figure class="draw-sent">
          <canvas ref={sent} width={width} height={height} aria-hidden="true" />
          <figcaption class="muted">
            sent: {width} × {height}
          </figcaption>
        </figure>
        <label class="check">
          <input
            type="checkbox"
            checked={isFitted}
            onChange={({ currentTarget }) => setFitted(currentTarget.checked)}
          />
          Scaled and centred
        </label>
        <label class="check">
          <input type="checkbox" checked={light} onChange={({ currentTarget }) => setLight(currentTarget.checked)} />
          Light on dark
        </label>
        <div class="tools">
          <button
            type="button"
            class="button small"
            disabled={strokes.length === 0}
            onClick={() => setStrokes(strokes.slice(0, -1))}
          >
            Undo
          </button>
          <button type="button" class="button small" disabled={strokes.length === 0} onClick={() => setStrokes([])}>
            Clear
          </button>
        </div>
        <p class="hint muted">With keys: arrows move the pen, space puts it down or lifts it.</p>
      </div>
    </div>
  );
}
