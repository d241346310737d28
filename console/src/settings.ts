/** What a person has chosen for this browser: zone, theme, shortcuts. Kept beside the page, and never on the server. */
import { computed, effect, signal, type Signal } from '@preact/signals';
import type { Zone } from './format/time.ts';

function kept<Value extends string>(key: string, values: readonly Value[], fallback: Value): Signal<Value> {
  const read = (): Value => {
    try {
      const text = localStorage.getItem(key);
      return values.find((value) => value === text) ?? fallback;
    } catch {
      // Storage that is forbidden forgets; it must not break the page.
      return fallback;
    }
  };
  const held = signal(read());
  effect(() => {
    try {
      localStorage.setItem(key, held.value);
    } catch {
      return;
    }
  });
  return held;
}

export const zoneChoice = kept('flyball.zone', ['utc', 'local'], 'utc');
export const theme = kept('flyball.theme', ['system', 'light', 'dark'], 'system');
export const shortcuts = kept('flyball.shortcuts', ['on', 'off'], 'on');

export const zone = computed<Zone>(() =>
  zoneChoice.value === 'utc' ? 'UTC' : new Intl.DateTimeFormat().resolvedOptions().timeZone,
);

export function followTheme(): void {
  effect(() => {
    const { value } = theme;
    if (value === 'system') delete document.documentElement.dataset['theme'];
    else document.documentElement.dataset['theme'] = value;
  });
}
