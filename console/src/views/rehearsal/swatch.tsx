/** How a policy is drawn, beside its name: by colour and by dashes. */
import type { JSX } from 'preact';

/** As many as can be told apart. */
export const dashes = ['', '7 3', '2 3', '9 3 2 3', '4 2', '12 4'];

export function Swatch({ place }: { readonly place: number }): JSX.Element {
  return (
    <svg class="swatch" viewBox="0 0 28 8" aria-hidden="true">
      <path class={`course-line series-${place + 1}`} d="M0 4H28" stroke-dasharray={dashes[place]} />
    </svg>
  );
}
