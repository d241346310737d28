/**
 * The one event stream's connection as a state machine. Pure: times and chance are arguments.
 *
 *            open                     error                        time is up
 *   opening ───────▶ connected ─────────────────▶ waiting ───────────────────▶ opening
 *      │  error                                      ▲
 *      └─────────────────────────────────────────────┘
 *   any ── hide ──▶ hidden ── show ──▶ opening        any ── refuse ──▶ refused (nobody is signed in)
 *
 * A connection that says nothing for longer than `silentMs` is as good as lost: the server sends a status more often
 * than that.
 */

export type Connection =
  | { readonly kind: 'opening'; readonly attempt: number }
  | { readonly kind: 'connected'; readonly since: number; readonly heardAt: number }
  | { readonly kind: 'waiting'; readonly attempt: number; readonly until: number; readonly lostAt: number }
  | { readonly kind: 'hidden' }
  | { readonly kind: 'refused' };

export type ConnectionEvent =
  | { readonly kind: 'opened' | 'heard'; readonly at: number }
  /** `chance` from 0 to 1 spreads the clients of a server that comes back. */
  | { readonly kind: 'lost'; readonly at: number; readonly chance: number }
  | { readonly kind: 'due' | 'hidden' | 'shown' | 'refused' | 'retry' };

export const opening: Connection = { kind: 'opening', attempt: 0 };

const firstMs = 500;
const longestMs = 30_000;

/** Twice as long each time, and between half of that and all of it. */
export function backOffMs(attempt: number, chance: number): number {
  const ms = Math.min(longestMs, firstMs * 2 ** Math.min(attempt, 16));
  return Math.round(ms * (0.5 + 0.5 * chance));
}

export function next(state: Connection, event: ConnectionEvent): Connection {
  switch (event.kind) {
    case 'hidden':
      return state.kind === 'refused' ? state : { kind: 'hidden' };
    case 'shown':
      return state.kind === 'hidden' ? opening : state;
    case 'refused':
      return { kind: 'refused' };
    case 'retry':
      return { kind: 'opening', attempt: 0 };
    case 'due':
      return state.kind === 'waiting' ? { kind: 'opening', attempt: state.attempt } : state;
    case 'opened':
      return state.kind === 'opening' ? { kind: 'connected', since: event.at, heardAt: event.at } : state;
    case 'heard':
      return state.kind === 'connected' ? { ...state, heardAt: event.at } : state;
    case 'lost': {
      if (state.kind !== 'opening' && state.kind !== 'connected') return state;
      const attempt = state.kind === 'opening' ? state.attempt + 1 : 1;
      const until = event.at + backOffMs(attempt - 1, event.chance);
      return { kind: 'waiting', attempt, until, lostAt: event.at };
    }
  }
}

/** A status comes every 5 s at least; comments, which keep the line open, cannot be heard by a page. */
export const silentMs = 20_000;
export const isSilent = (state: Connection, now: number): boolean =>
  state.kind === 'connected' && now - state.heardAt > silentMs;

/** What is shown is as it was when the connection went. */
export const isLive = (state: Connection): boolean => state.kind === 'connected';

/** It was tried, and nothing answered; it is tried again by itself. */
export const isLost = (state: Connection): boolean =>
  state.kind === 'waiting' || (state.kind === 'opening' && state.attempt > 0);
