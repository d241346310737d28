/**
 * Keys. `g` and a letter goes to a view; single letters do what they say in the help. They can be switched off (WCAG
 * 2.1.4), and never act while somebody types. What a key means is decided by `meaning`, which is pure.
 */
import { signal } from '@preact/signals';
import { hideCard, isCardShown } from './parts/card.tsx';
import { go } from './router.ts';
import { shortcuts } from './settings.ts';
import { meaning, type Pressed } from './shortcut-meaning.ts';
import { views } from './views.ts';

/** Which dialog of the bar is open; the address does not hold it, since a link must not stop anything. */
export const open = signal<'help' | 'stop' | 'approvals' | undefined>(undefined);

export const goKeys: Readonly<Record<string, string>> = Object.fromEntries(
  views.flatMap(({ key, pattern }) => (key === undefined ? [] : [[key, pattern.replace(/\/:\w+\?/g, '')]])),
);

const isField = (target: EventTarget | null): boolean =>
  target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));

export function startShortcuts(): void {
  let wentAt = Number.NEGATIVE_INFINITY;
  document.addEventListener('keydown', (event) => {
    if (event.key === 'Escape' && isCardShown()) {
      hideCard();
      return;
    }
    const pressed: Pressed = {
      key: event.key,
      modified: event.ctrlKey || event.metaKey || event.altKey,
      typing: isField(event.target),
      modal: document.querySelector('dialog[open]') !== null,
      afterGo: event.timeStamp - wentAt < 1500,
      enabled: shortcuts.peek() === 'on',
    };
    const what = meaning(pressed, goKeys);
    wentAt = Number.NEGATIVE_INFINITY;
    switch (what.kind) {
      case 'nothing':
        return;
      case 'go-begins':
        wentAt = event.timeStamp;
        return;
      case 'go':
        event.preventDefault();
        go(what.path);
        return;
      case 'search':
        event.preventDefault();
        document.querySelector<HTMLElement>('[data-search]')?.focus();
        return;
      case 'open':
        event.preventDefault();
        open.value = what.what;
        return;
      case 'why': {
        const focused = document.activeElement?.closest<HTMLAnchorElement>('a[data-why]');
        if (focused == null) return;
        event.preventDefault();
        go(focused.pathname + focused.search);
        return;
      }
    }
  });
}
