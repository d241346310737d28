/**
 * Why a deployment does not simply serve, on its row: as much as there is room for, and by a press, a tap or Enter the
 * whole of it, in the words of whoever said so: a runtime's own message, where a model could not be loaded.
 */
import type { JSX } from 'preact';

interface TroubleProps {
  readonly deployment: string;
  readonly reason: string;
}

export function Trouble({ deployment, reason }: TroubleProps): JSX.Element {
  const id = `trouble-${deployment}`;
  return (
    <>
      {/* The browser's own popover: it closes at Esc, and at a press beside it. */}
      <button type="button" class="trouble" popovertarget={id}>
        <span class="sr-only">{`Why ${deployment} does not simply serve: `}</span>
        {reason}
      </button>
      <div id={id} popover="auto" class="trouble-whole">
        <h2>{deployment}</h2>
        <p>{reason}</p>
        <p>
          <a class="button small" href={`/d/${encodeURIComponent(deployment)}`}>
            Its page
          </a>{' '}
          <button type="button" class="button small" popovertarget={id} popovertargetaction="hide">
            Close
          </button>
        </p>
      </div>
    </>
  );
}
