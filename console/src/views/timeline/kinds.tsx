/** A kind of entry, by the same shape as in the lanes and in a word. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { laneOf, shapeOf, shapePaths } from './lanes.ts';

export function Kind({ entry }: { readonly entry: JournalEntryView }): JSX.Element {
  const shape = shapeOf(entry);
  return (
    <span class="entry-kind">
      <svg width="14" height="14" viewBox="-7 -7 14 14" aria-hidden="true">
        <path class={`event ${laneOf(entry.kind)} ${shape}`} d={`M0 0${shapePaths[shape]}`} />
      </svg>
      {entry.kind}
    </span>
  );
}
