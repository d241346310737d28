/**
 * An identity that is replaced while it is used. Whoever makes a connection reads it at that moment, as if it were an
 * identity that never changes; servers, which are told once, hear of each change.
 * Invariant: certificate and key that are read in one turn of the event loop belong together.
 */
import type { PeerIdentity } from './peer.ts';

export interface LiveIdentity extends PeerIdentity {
  replace(next: PeerIdentity): void;
  onReplaced(listener: (next: PeerIdentity) => void): void;
}

export function liveIdentity(first: PeerIdentity): LiveIdentity {
  let current = first;
  const listeners: ((next: PeerIdentity) => void)[] = [];
  return {
    get certificate() {
      return current.certificate;
    },
    get key() {
      return current.key;
    },
    get authority() {
      return current.authority;
    },
    replace(next) {
      current = next;
      for (const listener of listeners) listener(next);
    },
    onReplaced(listener) {
      listeners.push(listener);
    },
  };
}
