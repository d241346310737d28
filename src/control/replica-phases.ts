/**
 * The phases that a replica goes through, by its own word or on control's order. Each is announced, and recorded in the
 * background.
 *
 *   starting → loading → warming → ready → draining → (gone)      failed: it said that it could not load
 */
import type { Clock } from '../clock.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import type { Background } from './background.ts';
import type { FleetEvent } from './fleet.ts';
import type { ReplicaFacts } from './replica-link.ts';
import type { Replica } from './replica.ts';

export interface ReplicaPhasesParts {
  readonly store: Pick<Store, 'setReplicaPhase'>;
  readonly clock: Clock;
  readonly background: Background;
  readonly onEvent: (event: FleetEvent) => void;
}

export interface ReplicaPhases {
  /** Nothing happens when it is in that phase already. */
  enter(replica: Replica, phase: Replica['phase'], reason: string): void;
  /** What the replica says of itself. */
  learn(replica: Replica, facts: ReplicaFacts): void;
}

export function announce(
  replica: Replica,
  state: Parameters<typeof publish<'flyball:replica'>>[1]['state'],
  reason: string,
): void {
  const { deployment, version, id, where } = replica;
  const times =
    state === 'ready' && replica.readyAfterMs !== undefined
      ? { coldStartMs: replica.readyAfterMs, stages: { ...replica.facts?.stages } }
      : {};
  publish('flyball:replica', { deployment, version, replica: id, state, reason, where, ...times });
}

export function openReplicaPhases({ store, clock, background, onEvent }: ReplicaPhasesParts): ReplicaPhases {
  function enter(replica: Replica, phase: Replica['phase'], reason: string): void {
    if (replica.phase === phase) return;
    replica.phase = phase;
    announce(replica, phase, reason);
    background.run(`recording ${replica.id}`, () => store.setReplicaPhase(replica.id, phase));
  }

  function learn(replica: Replica, facts: ReplicaFacts): void {
    replica.facts = facts;
    // What control wants outranks what the replica says: one that is to go stays so, whatever it tells.
    if (replica.phase === 'draining' || replica.phase === 'failed') return;
    const { state } = facts;
    switch (state.kind) {
      case 'loading':
      case 'warming': {
        enter(replica, state.kind, 'it says so');
        if (state.kind === 'loading' && state.note !== undefined) replica.reason = state.note;
        else delete replica.reason;
        onEvent({ kind: 'changed', replica });
        break;
      }
      case 'ready': {
        if (replica.readyAt !== undefined) return;
        replica.readyAt = clock.now();
        if (!replica.adopted) replica.readyAfterMs = replica.readyAt - replica.orderedAt;
        enter(replica, 'ready', 'loaded and warmed');
        onEvent({ kind: 'ready', replica });
        break;
      }
      case 'failed': {
        replica.reason = state.message;
        enter(replica, 'failed', state.message);
        onEvent({ kind: 'load-failed', replica, reason: state.message });
        break;
      }
      case 'draining': {
        // Somebody else has asked it to go (a signal by hand): it takes nothing more, and is replaced when it is gone.
        enter(replica, 'draining', 'it is ending by itself');
        replica.drainingSince ??= clock.now();
        onEvent({ kind: 'changed', replica });
      }
    }
  }

  return { enter, learn };
}
