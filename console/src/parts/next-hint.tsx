/** What comes next of a deployment if its load stays, counted down. */
import type { JSX } from 'preact';
import type { NextView } from '../../../src/api/next-schema.ts';
import { changeText, nextText } from '../../../src/api/next-text.ts';
import { now } from '../live/store.ts';
import { Badge } from './badge.tsx';
import { Moment } from './moment.tsx';

/** In a line that has room for little: only a change is worth it. */
export function NextHint({ next }: { readonly next: NextView | undefined }): JSX.Element | null {
  // Drawn again each second.
  const at = now.value;
  if (next?.kind !== 'change' || next.at <= at) return null;
  return (
    <span class="next-hint" title={next.reason}>
      {changeText(next, at)}
      {next.recommended && ' (only advice)'}
    </span>
  );
}

/** The whole of it: what, when, by which rule, and of which moment that is. */
export function NextWords({ next }: { readonly next: NextView }): JSX.Element {
  return (
    <>
      <p>
        <strong>{nextText(next, now.value)}</strong>
        {next.kind === 'change' && (
          <>
            {' '}
            (<Moment at={next.at} />)
          </>
        )}
      </p>
      {next.kind === 'change' && (
        <p>
          <Badge tone="quiet" word={next.rule} /> {next.reason} <span class="muted">(by {next.by})</span>
        </p>
      )}
      <p class="muted">
        Reckoned from the load of <Moment at={next.asOf} relative />.
      </p>
    </>
  );
}
