/** What concerns the whole page: the connection is lost, the page is of another version, the governor is stopped. */
import type { JSX } from 'preact';
import { connection, outdated, paused, status, statusAt } from '../live/store.ts';
import { isLost } from '../live/connection.ts';
import { Moment } from '../parts/moment.tsx';

export function Banners(): JSX.Element {
  const halt = status.value?.governor?.halt;
  return (
    <div class="banners">
      {outdated.value !== undefined && (
        <div class="banner warn" role="status">
          <p>
            <span aria-hidden="true">▲ </span>
            {outdated.value} Reload, so that both are the same.
          </p>
          <button type="button" class="button" onClick={() => window.location.reload()}>
            Reload
          </button>
        </div>
      )}
      {isLost(connection.value) && (
        <div class="banner bad" role="status">
          <p>
            <span aria-hidden="true">■ </span>
            {statusAt.value === undefined ? (
              'The platform does not answer. Is it running? flyball up starts it.'
            ) : (
              <>
                The connection is lost. What you see is as of <Moment at={statusAt.value} />; it is asked again by
                itself.
              </>
            )}
          </p>
        </div>
      )}
      {halt !== undefined && (
        <div class="banner bad" role="status">
          <p>
            <span aria-hidden="true">■ </span>
            Stopped by {halt.by} at <Moment at={halt.at} relative />: {halt.reason}.{' '}
            {halt.scope === 'all' ? 'Nothing is scaled, restored or woken.' : 'No target is changed by itself.'}
          </p>
        </div>
      )}
      {paused.value && (
        <div class="banner" role="status">
          <p>
            <span aria-hidden="true">❙❙ </span>
            Updates are paused: what you see stands still.
          </p>
          <button type="button" class="button" onClick={() => (paused.value = false)}>
            Resume
          </button>
        </div>
      )}
    </div>
  );
}
