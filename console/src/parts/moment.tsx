/** A moment: in the bar's zone, with it, and how long ago; a machine reads the whole of it. */
import type { JSX } from 'preact';
import { ago, clock, isoWithOffset, moment } from '../format/time.ts';
import { now } from '../live/store.ts';
import { zone } from '../settings.ts';

interface MomentProps {
  /** Unix milliseconds. */
  readonly at: number;
  /** With the span since then. */
  readonly relative?: boolean;
  /** Where the heading has the zone. */
  readonly bare?: boolean;
}

export function Moment({ at, relative = false, bare = false }: MomentProps): JSX.Element {
  const named = bare ? clock(at, zone.value) : moment(at, zone.value, now.peek());
  return (
    <time class="moment" dateTime={isoWithOffset(at, zone.value)}>
      {named}
      {relative && <span class="muted"> · {ago(at, now.value)}</span>}
    </time>
  );
}
