/**
 * Whether a replica that fails is still given work.
 *
 *   healthy --n failures in a row--> ejected --back-off over--> trial --success--> healthy
 *                                       ^-----------failure-------|
 *
 * A value a replica; nothing here knows what a failure is. In `trial` exactly one call is let through.
 */

export type ReplicaHealth =
  | { readonly kind: 'healthy'; readonly failures: number }
  | { readonly kind: 'ejected'; readonly until: number; readonly ejections: number }
  | { readonly kind: 'trial'; readonly ejections: number };

export const failuresMax = 3;
const backOffMs = 1000;
const backOffMsMax = 30_000;

export const healthy: ReplicaHealth = { kind: 'healthy', failures: 0 };

export function afterSuccess(health: ReplicaHealth): ReplicaHealth {
  return health.kind === 'healthy' && health.failures === 0 ? health : healthy;
}

export function afterFailure(health: ReplicaHealth, at: number): ReplicaHealth {
  switch (health.kind) {
    case 'healthy':
      return health.failures + 1 < failuresMax
        ? { kind: 'healthy', failures: health.failures + 1 }
        : { kind: 'ejected', until: at + backOffMs, ejections: 1 };
    case 'trial': {
      const ejections = health.ejections + 1;
      return { kind: 'ejected', until: at + Math.min(backOffMs * 2 ** (ejections - 1), backOffMsMax), ejections };
    }
    case 'ejected':
      return health;
    default:
      return health satisfies never;
  }
}

/** The state at `at`: an ejection that is over has become a trial. */
export function healthAt(health: ReplicaHealth, at: number): ReplicaHealth {
  return health.kind === 'ejected' && health.until <= at ? { kind: 'trial', ejections: health.ejections } : health;
}
