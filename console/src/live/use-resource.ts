/** Asks for something again when its key changes, after a resync, and every so often while the page is seen. */
import { useEffect, useState } from 'preact/hooks';
import { failed, toFailure, type Resource } from './resource.ts';
import { paused, resyncs } from './store.ts';

export interface Asking<Value> {
  readonly resource: Resource<Value>;
  /** Asks at once. */
  readonly again: () => void;
}

/**
 * `key` names what is asked for: with another one the value begins anew. `everyMs`: how often it is asked again while
 * the page is seen and not paused.
 */
export function useResource<Value>(
  key: string,
  fetchIt: (signal: AbortSignal) => Promise<Value>,
  { everyMs }: { readonly everyMs?: number } = {},
): Asking<Value> {
  const [held, setHeld] = useState<{ readonly key: string; readonly resource: Resource<Value> }>({
    key,
    resource: { kind: 'loading' },
  });
  const [turn, setTurn] = useState(0);
  const resync = resyncs.value;
  useEffect(() => {
    const own = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const look = async (): Promise<void> => {
      let isRefused = false;
      const change = await fetchIt(own.signal).then(
        (value) => (): Resource<Value> => ({ kind: 'ready', value, at: Date.now() }),
        (error: unknown) => {
          const failure = toFailure(error);
          isRefused = failure.status === 403;
          return (before: Resource<Value>) => failed(before, failure);
        },
      );
      if (own.signal.aborted) return;
      setHeld((before) => ({
        key,
        resource: change(before.key === key ? before.resource : { kind: 'loading' }),
      }));
      // Who was refused is refused the next time, too: a key does not grow.
      if (isRefused) return;
      if (everyMs !== undefined) timer = setTimeout(() => void lookIfSeen(), everyMs);
    };
    const lookIfSeen = async (): Promise<void> => {
      if (!document.hidden && !paused.peek()) return look();
      timer = setTimeout(() => void lookIfSeen(), 1000);
      return undefined;
    };
    void look();
    return () => {
      own.abort();
      clearTimeout(timer);
    };
    // `fetchIt` is what `key` names.
  }, [key, everyMs, turn, resync]);
  const resource: Resource<Value> = held.key === key ? held.resource : { kind: 'loading' };
  return { resource, again: () => setTurn((before) => before + 1) };
}
