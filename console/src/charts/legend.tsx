/** How a line looks, beside its name: colour and dash. */
import type { JSX } from 'preact';
import { dashOf } from './dashes.ts';
import type { Line } from './model.ts';

export function LegendKey({ line }: { readonly line: Line }): JSX.Element {
  return (
    <svg class={`legend-key ${line.colour}`} viewBox="0 0 18 8" aria-hidden="true">
      <path d="M0 4H18" stroke-dasharray={dashOf(line).join(' ')} />
    </svg>
  );
}
