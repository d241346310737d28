/** Where the page begins: settings, router, who looks, the stream, and the first view. */
import { render } from 'preact';
import { whenUnauthenticated } from './api/client.ts';
import { App } from './app.tsx';
import { prefetch } from './parts/lazy.tsx';
import { startShortcuts } from './shortcuts.ts';
import { startLive } from './live/store.ts';
import { address, go, location, startRouter } from './router.ts';
import { followTheme } from './settings.ts';
import { views } from './views.ts';
import './styles/tokens.css';
import './styles/base.css';
import './styles/layout.css';
import './styles/parts.css';
import './styles/views.css';

followTheme();
startRouter();
startShortcuts();

const root = document.getElementById('app');
if (root === null) throw new Error('the page has no element with the id app');
root.replaceChildren();
render(<App />, root);
for (const view of views) if (view.soon === true) requestIdleCallback(() => prefetch(view));

/** Back to where somebody was once they have signed in. */
whenUnauthenticated(() => {
  const { path, query } = location.peek();
  if (path !== '/sign-in') go(address('/sign-in', { to: address(path, query) }));
});

void startLive();
