/**
 * One stream for all tabs of a browser: HTTP/1.1 gives an origin six connections, and the seventh tab would hang. The
 * tab that holds the lock reads the stream and tells the others; a hidden tab lets go of it, so that one that is seen
 * takes over. Where locks are missing (plain HTTP beyond loopback) each tab reads for itself.
 */

export interface Leadership {
  /** Lets go, and takes no more part until `join`. */
  leave(): void;
  join(): void;
}

const lockName = 'flyball-events';

/** `lead` is called with a signal that aborts when this tab no longer leads. */
export function shareLeadership(lead: (signal: AbortSignal) => void): Leadership {
  let current: AbortController | undefined;
  const locks: LockManager | undefined = (navigator as { readonly locks?: LockManager }).locks;
  return {
    join() {
      if (current !== undefined) return;
      const own = new AbortController();
      current = own;
      if (locks === undefined) {
        lead(own.signal);
        return;
      }
      locks
        .request(lockName, { signal: own.signal }, () => {
          lead(own.signal);
          return new Promise<void>((resolve) => {
            own.signal.addEventListener('abort', () => resolve(), { once: true });
          });
        })
        .catch(() => undefined); // aborted while it waited
    },
    leave() {
      current?.abort();
      current = undefined;
    },
  };
}
