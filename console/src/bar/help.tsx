/** Every key, and the switch that turns the single ones off. */
import type { JSX } from 'preact';
import { Dialog } from '../parts/dialog.tsx';
import { shortcuts } from '../settings.ts';
import { goKeys } from '../shortcuts.ts';
import { single } from '../shortcut-meaning.ts';
import { find } from '../views.ts';

export function HelpDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const going = Object.entries(goKeys).map(
    ([key, path]) => [`g ${key}`, `to ${find(path)?.view.title({}) ?? path}`] as const,
  );
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <div class="keys">
        {[...going, ...single].map(([key, what]) => (
          <div key={key} class="key-row">
            <span>
              {key.split(' ').map((part) => (
                <kbd key={part}>{part}</kbd>
              ))}
            </span>
            <span>{what}</span>
          </div>
        ))}
        <div class="key-row">
          <span>
            <kbd>←</kbd>
            <kbd>→</kbd>
          </span>
          <span>
            in a chart: moves the cursor, with shift it chooses a span; t shows the chart as a table; in a table: from
            figure to figure
          </span>
        </div>
      </div>
      <label class="check">
        <input
          type="checkbox"
          data-first
          checked={shortcuts.value === 'on'}
          onChange={({ currentTarget }) => {
            shortcuts.value = currentTarget.checked ? 'on' : 'off';
          }}
        />
        Shortcuts of a single key are on
      </label>
    </Dialog>
  );
}
