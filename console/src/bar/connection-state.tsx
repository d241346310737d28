/** Whether what is shown is live; while it is not, when it is tried again. */
import type { JSX } from 'preact';
import { connection, pageNow, paused, retry } from '../live/store.ts';
import { Badge } from '../parts/badge.tsx';

export function ConnectionState(): JSX.Element {
  const { value: state } = connection;
  switch (state.kind) {
    case 'opening':
      return <Badge tone="busy" word="connecting" />;
    case 'connected':
      return paused.value ? <Badge tone="quiet" word="paused" /> : <Badge tone="ok" word="live" />;
    case 'hidden':
      return <Badge tone="quiet" word="resting" />;
    case 'refused':
      return <Badge tone="bad" word="signed out" />;
    case 'waiting': {
      const seconds = Math.max(0, Math.ceil((state.until - pageNow.value) / 1000));
      return (
        <>
          <Badge tone="bad" word={`lost, again in ${seconds} s`} />{' '}
          <button type="button" class="button small" onClick={retry}>
            Now
          </button>
        </>
      );
    }
  }
}
