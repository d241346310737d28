/**
 * The style sheet's colours for a canvas, which knows no custom properties. Asked of a hidden element, so that theme,
 * contrast and the browser's own settings count; asked anew when the theme changes.
 */
import { effect, signal } from '@preact/signals';
import { theme } from '../settings.ts';

const held = new Map<string, string>();
const turns = signal(0);
/** Grows when colours have changed: what is on a canvas must be drawn again. */
export const colourTurn = turns;

let probe: HTMLElement | undefined;

export function colour(name: string): string {
  const known = held.get(name);
  if (known !== undefined) return known;
  if (probe === undefined) {
    probe = document.createElement('span');
    probe.className = 'colour-probe';
    probe.setAttribute('aria-hidden', 'true');
    document.body.append(probe);
  }
  probe.style.color = `var(--${name})`;
  const found = getComputedStyle(probe).color;
  held.set(name, found);
  return found;
}

/** The same, lighter: for bands. */
export function veil(name: string, alpha: number): string {
  return `rgb(from ${colour(name)} r g b / ${alpha})`;
}

function refresh(): void {
  held.clear();
  turns.value += 1;
}

for (const query of ['(prefers-color-scheme: dark)', '(prefers-contrast: more)', '(forced-colors: active)']) {
  window.matchMedia(query).addEventListener('change', refresh);
}
effect(() => {
  // The attribute is set by an effect of its own, perhaps after this one.
  if (theme.value !== undefined) queueMicrotask(refresh);
});
