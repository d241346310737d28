/** A span of time by two fields: whatever is chosen by dragging can be typed (WCAG 2.5.7), and to the second. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { zoneName } from '../format/time.ts';
import { momentOf, wall } from '../format/wall.ts';
import { zone } from '../settings.ts';

interface Span {
  /** Unix milliseconds. */
  readonly from: number;
  readonly to: number;
}

interface BetweenProps {
  /** What the fields begin with; a `key` of what is looked at makes them begin anew. */
  readonly span: Span;
  /** Takes it, or says what was expected of it. */
  readonly onSpan: (span: Span) => string | undefined;
}

export function Between({ span, onSpan }: BetweenProps): JSX.Element {
  const [from, setFrom] = useState(wall(span.from, zone.peek()));
  const [to, setTo] = useState(wall(span.to, zone.peek()));
  const [problem, setProblem] = useState<string | undefined>();
  const show = (event: Event): void => {
    event.preventDefault();
    const [start, end] = [momentOf(from, zone.peek()), momentOf(to, zone.peek())];
    if (start === undefined || end === undefined) setProblem('expected two times, got something else');
    else if (end <= start) setProblem('expected the first time before the second');
    else setProblem(onSpan({ from: start, to: end }));
  };
  const name = zoneName(span.to, zone.value);
  const field = (label: string, value: string, set: (value: string) => void): JSX.Element => (
    <label class="field inline">
      <span>
        {label}, {name}
      </span>
      <input
        type="datetime-local"
        step="1"
        value={value}
        aria-invalid={problem !== undefined}
        onInput={({ currentTarget }) => set(currentTarget.value)}
      />
    </label>
  );
  return (
    <form class="between" onSubmit={show}>
      {field('From', from, setFrom)}
      {field('To', to, setTo)}
      <button type="submit" class="button small">
        Show
      </button>
      {problem !== undefined && (
        <span class="bad-text" role="alert">
          ■ {problem}
        </span>
      )}
    </form>
  );
}
