/**
 * What is to be written to the engine of one service, given what is held and what was found. Raising is done at once;
 * lowering lets the engine choose who goes, so it waits until nobody takes the place that has become free.
 */
import { heldReplicas, writePorts, writeRoster, type Roster } from './roster.ts';
import { labels } from './service-spec.ts';
import type { ServiceSpec, SwarmService } from './engine.ts';

export interface Wanted {
  readonly roster: Roster;
  /** Until when each place that an ended replica has left is kept for the next; monotonic milliseconds. */
  readonly vacancies: readonly number[];
  /** By task, as far as they are known. */
  readonly ports?: ReadonlyMap<string, number>;
}

export interface ServicePlan {
  readonly write:
    | { readonly kind: 'none' }
    | { readonly kind: 'create' }
    | { readonly kind: 'update'; readonly spec: ServiceSpec }
    | { readonly kind: 'remove' };
  /** Replicas that the service has after it. */
  readonly replicas: number;
  /** Somebody else has set another number, or removed the service. */
  readonly drift?: string;
}

/** How long the place of one that has ended is kept: control decides within milliseconds whether another is to come. */
export const vacancyMs = 3000;

/**
 * `made`: it was there before. `corrects`: what others have changed is put right; otherwise it is only told, and replicas
 * that they have added are left.
 */
export function planService(
  service: SwarmService | undefined,
  { roster, vacancies, ports = new Map() }: Wanted,
  at: number,
  { made, corrects }: { readonly made: boolean; readonly corrects: boolean },
): ServicePlan {
  const held = heldReplicas(roster);
  if (service === undefined) {
    const gone = made ? { drift: 'the service is gone' } : {};
    return { write: { kind: held === 0 ? 'none' : 'create' }, replicas: held, ...gone };
  }
  const { spec } = service;
  const found = spec.Mode.Replicated?.Replicas ?? 0;
  const last = Number(spec.Labels[labels.held] ?? found);
  const kept = vacancies.filter((until) => until > at).length;
  const added = Math.max(0, found - last);
  const drift = found === last ? {} : { drift: `${found} replicas where ${last} are held` };
  const floor = held + kept + (corrects ? 0 : added);
  const replicas = found < held ? held : Math.max(held, Math.min(found, floor));
  if (replicas === 0) return { write: { kind: 'remove' }, replicas, ...drift };
  const text = writeRoster(roster);
  const reached = writePorts(roster, ports);
  // What others have added without being put right stays known as theirs.
  const label = String(corrects ? replicas : replicas - Math.min(added, replicas - held));
  const written = { [labels.roster]: text, [labels.ports]: reached, [labels.held]: label };
  const isWritten = Object.entries(written).every(([key, value]) => (spec.Labels[key] ?? '{}') === value);
  if (replicas === found && isWritten) {
    return { write: { kind: 'none' }, replicas, ...drift };
  }
  return {
    write: {
      kind: 'update',
      spec: {
        ...spec,
        Labels: { ...spec.Labels, ...written },
        Mode: { Replicated: { Replicas: replicas } },
      },
    },
    replicas,
    ...drift,
  };
}
