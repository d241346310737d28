/**
 * When the holder of a lease renews it, and when it stops. Pure; times are of the holder's own monotonic clock, and the
 * database's clock is nowhere: all that is known of it is that it runs as fast as ours, and began to count a lease's time
 * after we asked for it.
 *
 *   waiting ──given──▶ holding ──renewed──▶ holding
 *      ▲ refused │         └──taken by another | not renewed in time──▶ lost, which is the end
 *      └─────────┘
 *
 *   asked             renew   …again          stops acting    the database lets others have it
 *     │─────────────────│───────│──────────────────│─────────────────│
 *     0              renewMs                 ttl − margin     ttl + way to the database
 */

export interface LeaseTerms {
  readonly ttlMs: number;
  /** From the last time it was given or renewed to the next try. */
  readonly renewMs: number;
  /** Between tries to renew that came to nothing. */
  readonly retryMs: number;
  /** So long before it may have run out the holder stops: for what it has begun, and for clocks that differ. */
  readonly marginMs: number;
  /** Between questions of who waits for it. */
  readonly pollMs: number;
}

/** `ttlMs` is at least 1000. */
export const leaseTerms = (ttlMs: number): LeaseTerms => ({
  ttlMs,
  renewMs: ttlMs / 5,
  retryMs: ttlMs / 20,
  marginMs: ttlMs / 5,
  pollMs: Math.min(1000, ttlMs / 5),
});

export type Standing =
  | { readonly kind: 'waiting'; readonly askAt: number }
  | { readonly kind: 'holding'; readonly token: number; readonly renewAt: number; readonly until: number }
  | { readonly kind: 'lost'; readonly reason: string };

/** `askedAt`: when the question was sent, before whatever way it took. */
export type LeaseEvent =
  | { readonly kind: 'given'; readonly token: number; readonly askedAt: number }
  | { readonly kind: 'renewed'; readonly askedAt: number }
  | { readonly kind: 'refused' }
  /** To a renewal: another has it. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'unanswered' }
  /** Time has passed. */
  | { readonly kind: 'looked' };

export type LeaseStep =
  | { readonly kind: 'ask' }
  | { readonly kind: 'renew'; readonly token: number }
  | { readonly kind: 'wait'; readonly until: number }
  | { readonly kind: 'stop'; readonly reason: string };

export const beginning: Standing = { kind: 'waiting', askAt: Number.NEGATIVE_INFINITY };

/** Whether the holder may act now: it is the only one who may. */
export const mayAct = (standing: Standing, at: number): boolean => standing.kind === 'holding' && at < standing.until;

export function next(standing: Standing, at: number): LeaseStep {
  switch (standing.kind) {
    case 'waiting':
      return at >= standing.askAt ? { kind: 'ask' } : { kind: 'wait', until: standing.askAt };
    case 'holding':
      return at >= standing.renewAt
        ? { kind: 'renew', token: standing.token }
        : { kind: 'wait', until: standing.renewAt };
    case 'lost':
      return { kind: 'stop', reason: standing.reason };
    default:
      return standing satisfies never;
  }
}

/** What is so after `event`, heard at `at`. */
export function after(terms: LeaseTerms, standing: Standing, event: LeaseEvent, at: number): Standing {
  if (standing.kind === 'lost') return standing;
  const heldFrom = (token: number, askedAt: number): Standing => ({
    kind: 'holding',
    token,
    renewAt: askedAt + terms.renewMs,
    until: askedAt + terms.ttlMs - terms.marginMs,
  });
  const heard = ((): Standing => {
    switch (event.kind) {
      case 'given':
        return heldFrom(event.token, event.askedAt);
      case 'renewed':
        return standing.kind === 'holding' ? heldFrom(standing.token, event.askedAt) : standing;
      case 'taken':
        return { kind: 'lost', reason: 'another control has taken over' };
      case 'refused':
        return { kind: 'waiting', askAt: at + terms.pollMs };
      case 'unanswered':
        return standing.kind === 'holding'
          ? { ...standing, renewAt: at + terms.retryMs }
          : { kind: 'waiting', askAt: at + terms.pollMs };
      case 'looked':
        return standing;
      default:
        return event satisfies never;
    }
  })();
  // An answer that took longer than the lease is worth nothing: whoever never held it just asks again.
  if (heard.kind !== 'holding' || at < heard.until) return heard;
  if (standing.kind === 'waiting') return { kind: 'waiting', askAt: at };
  return { kind: 'lost', reason: `the lease could not be renewed for ${terms.ttlMs - terms.marginMs} ms` };
}
