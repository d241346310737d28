/** The page around every view: skip link, navigation, governor bar, banners, the view, and what is said aloud. */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import { Announcer } from './bar/announcer.tsx';
import { ApprovalsDialog } from './bar/approvals.tsx';
import { Banners } from './bar/banners.tsx';
import { GovernorBar } from './bar/governor-bar.tsx';
import { HelpDialog } from './bar/help.tsx';
import { Navigation } from './bar/navigation.tsx';
import { StopDialog } from './bar/stop.tsx';
import { Card } from './parts/card.tsx';
import { ViewOf } from './parts/lazy.tsx';
import { Empty } from './parts/states.tsx';
import { isLive } from './live/connection.ts';
import { connection } from './live/store.ts';
import { location, visit } from './router.ts';
import { open } from './shortcuts.ts';
import { find } from './views.ts';

export function App(): JSX.Element {
  const { path, query } = location.value;
  const found = find(path);
  const title = found?.view.title(found.params) ?? 'Nothing here';
  const main = useRef<HTMLElement>(null);
  useEffect(() => {
    document.title = `${title} · Flyball`;
  }, [title]);
  const turn = visit.value;
  useEffect(() => {
    // Whoever followed a link hears where they are, and starts at its top.
    if (turn === 0) return;
    window.scrollTo(0, 0);
    main.current?.focus({ preventScroll: true });
  }, [turn]);
  const isSignIn = found?.view.id === 'sign-in';
  const close = (): void => {
    open.value = undefined;
  };
  return (
    <>
      <a class="skip" href="#page">
        Skip to the page
      </a>
      <header class="top">
        <Navigation path={path} bare={isSignIn} />
        {!isSignIn && <GovernorBar />}
      </header>
      <Banners />
      <main id="page" class="page" ref={main} tabIndex={-1} data-live={isSignIn || isLive(connection.value)}>
        {found === undefined ? (
          <>
            <h1>Nothing here</h1>
            <Empty title={`The console has nothing at ${path}.`}>
              <a href="/">Go to Now</a>
            </Empty>
          </>
        ) : (
          <ViewOf key={found.view.id} view={found.view} params={found.params} query={query} />
        )}
      </main>
      <Card />
      <Announcer />
      {open.value === 'help' && <HelpDialog onClose={close} />}
      {open.value === 'stop' && <StopDialog onClose={close} />}
      {open.value === 'approvals' && <ApprovalsDialog onClose={close} />}
    </>
  );
}
