/** What a view shows when it has nothing to show: each says what is the matter and what to do. */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { caller } from '../api/caller.ts';
import { ApiFailure } from '../api/client.ts';
import { isLost } from '../live/connection.ts';
import { connection, retry } from '../live/store.ts';
import type { Asking } from '../live/use-resource.ts';
import { Moment } from './moment.tsx';

/** Sooner, a placeholder would only flicker. */
const skeletonMs = 150;

/** Keeps the place of what is coming. */
export function Loading({
  lines = 3,
  what = 'Loading',
}: {
  readonly lines?: number;
  readonly what?: string;
}): JSX.Element {
  const [isLate, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), skeletonMs);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="loading" aria-busy="true">
      <span class="sr-only">{what}…</span>
      {Array.from({ length: lines }, (_, index) => (
        <div key={index} class={isLate ? 'skeleton' : 'skeleton waiting'} />
      ))}
    </div>
  );
}

interface EmptyProps {
  readonly title: string;
  readonly children?: ComponentChildren;
  /** The next command, to be copied. */
  readonly command?: string;
}

export function Empty({ title, children, command }: EmptyProps): JSX.Element {
  return (
    <div class="notice">
      <p class="notice-title">{title}</p>
      {children !== undefined && <p>{children}</p>}
      {command !== undefined && <Command text={command} />}
    </div>
  );
}

export function Command({ text }: { readonly text: string }): JSX.Element {
  const [copied, setCopied] = useState(false);
  const copy = (): void => {
    void navigator.clipboard.writeText(text).then(() => setCopied(true));
  };
  return (
    <div class="command">
      <code>{text}</code>
      <button type="button" class="button small" onClick={copy}>
        {copied ? 'Copied' : 'Copy'}
      </button>
    </div>
  );
}

/** Before the platform has said anything: its place, until it is known that nothing answers. */
export function Unheard({ lines }: { readonly lines: number }): JSX.Element {
  if (!isLost(connection.value)) return <Loading lines={lines} what="Asking the platform" />;
  return <Failed failure={new ApiFailure('UNREACHABLE', 0, 'control does not answer')} again={retry} />;
}

function advice({ code, status }: ApiFailure): string {
  if (status === 401) return 'Sign in again.';
  if (status === 403) return refusal(caller.value?.deployments);
  if (status === 404) return 'Check the address; it may have been removed.';
  if (code === 'UNREACHABLE') return 'Look whether the platform runs: flyball status.';
  return 'Try again; if it stays so, flyball doctor looks for the cause.';
}

/** `own`: the deployments that the key is for; undefined: all of them. */
function refusal(own: readonly string[] | undefined): string {
  if (own === undefined) return 'Ask an administrator for a key with the scope that is named above.';
  return `Your key is for ${own.join(', ')} alone. Whoever administers the platform can make one for more: flyball keys create NAME.`;
}

export function Failed({ failure, again }: { readonly failure: ApiFailure; readonly again?: () => void }): JSX.Element {
  return (
    <div class="notice bad" role="alert">
      <p class="notice-title">
        {failure.status === 403 ? 'Not allowed' : 'That did not work'} <code>{failure.code}</code>
      </p>
      <p>{failure.message}</p>
      <p class="muted">
        {advice(failure)}
        {failure.requestId !== undefined && ` Request ${failure.requestId}.`}
      </p>
      {again !== undefined && failure.status !== 403 && (
        <button type="button" class="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

function Refused({ failure }: { readonly failure: ApiFailure }): JSX.Element {
  return (
    <div class="notice">
      <p class="notice-title">
        Not shown to your key <code>{failure.code}</code>
      </p>
      <p>{advice(failure)}</p>
      <p class="muted">{failure.message}</p>
    </div>
  );
}

interface AsyncProps<Value> {
  readonly of: Asking<Value>;
  readonly children: (value: Value) => ComponentChildren;
  readonly lines?: number;
}

/** A resource in each of its states; what is old is greyed and says since when. */
export function Async<Value>({ of: { resource, again }, children, lines = 3 }: AsyncProps<Value>): JSX.Element {
  switch (resource.kind) {
    case 'loading':
      return <Loading lines={lines} />;
    case 'failed':
      // What a key does not show is no fault: it is said, and nobody is alarmed.
      return resource.failure.status === 403 ? (
        <Refused failure={resource.failure} />
      ) : (
        <Failed failure={resource.failure} again={again} />
      );
    case 'ready':
      return <>{children(resource.value)}</>;
    case 'stale':
      return (
        <div class="stale">
          <p class="stale-note">
            <span aria-hidden="true">◷ </span>As of <Moment at={resource.at} relative />: {resource.failure.message}{' '}
            <button type="button" class="button small" onClick={again}>
              Try again
            </button>
          </p>
          {children(resource.value)}
        </div>
      );
  }
}
