/** Where one can go, and how the page is read: zone, theme, help, who is signed in. */
import type { JSX } from 'preact';
import { caller, signOut } from '../api/caller.ts';
import { status } from '../live/store.ts';
import { go } from '../router.ts';
import { theme, zoneChoice } from '../settings.ts';
import { open } from '../shortcuts.ts';
import { views } from '../views.ts';
import { zoneName } from '../format/time.ts';

export function Navigation({ path, bare }: { readonly path: string; readonly bare: boolean }): JSX.Element {
  return (
    <div class="nav-row">
      <a class="brand" href="/">
        <svg viewBox="0 0 32 32" aria-hidden="true" class="brand-mark">
          <path d="M16 4v24M16 8 7 19M16 8l9 11" />
          <circle cx="7" cy="21" r="4" />
          <circle cx="25" cy="21" r="4" />
        </svg>
        Flyball
        {status.value !== undefined && <span class="brand-name">{status.value.name}</span>}
      </a>
      {!bare && (
        <nav aria-label="Views" class="nav">
          {views.map(({ id, nav, title }) =>
            nav === undefined ? null : (
              <a key={id} href={nav} aria-current={isCurrent(path, nav) ? 'page' : undefined}>
                {title({})}
              </a>
            ),
          )}
        </nav>
      )}
      <div class="nav-settings">
        <label class="select">
          <span class="sr-only">Time zone</span>
          <select
            value={zoneChoice.value}
            onChange={({ currentTarget }) => {
              zoneChoice.value = currentTarget.value === 'local' ? 'local' : 'utc';
            }}
          >
            <option value="utc">UTC</option>
            <option value="local">{localName()}</option>
          </select>
        </label>
        <label class="select">
          <span class="sr-only">Theme</span>
          <select
            value={theme.value}
            onChange={({ currentTarget: { value } }) => {
              theme.value = value === 'light' || value === 'dark' ? value : 'system';
            }}
          >
            <option value="system">System</option>
            <option value="light">Light</option>
            <option value="dark">Dark</option>
          </select>
        </label>
        {!bare && (
          <button type="button" class="button quiet" aria-label="Keyboard help" onClick={() => (open.value = 'help')}>
            ?
          </button>
        )}
        {caller.value?.auth === 'required' && !bare && (
          <button type="button" class="button quiet" onClick={() => void signOut().then(() => go('/sign-in'))}>
            Sign out {caller.value.name}
          </button>
        )}
      </div>
    </div>
  );
}

function isCurrent(path: string, nav: string): boolean {
  if (nav === '/') return path === '/' || path.startsWith('/d/');
  return path === nav || path.startsWith(`${nav}/`);
}

/** Of the browser, though UTC may be what is shown. */
function localName(): string {
  const local = new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return `Local (${zoneName(Date.now(), local)})`;
}
