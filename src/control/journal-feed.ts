/**
 * What happens in control, on its way into the journal: its events, and what becomes of replicas. It waits for nothing.
 * An event that was written with its change already has its entry.
 */
import type { Journal } from '../journal/open-journal.ts';
import { subscribe, type EventMap } from '../telemetry/events.ts';

/** In a replica's life, what somebody may ask about later; how it loads and warms up is in the log. */
const told: ReadonlySet<EventMap['flyball:replica']['state']> = new Set([
  'ready',
  'draining',
  'stopped',
  'failed',
  'adopted',
]);

/** Whoever acts by itself. Everybody else is a person or a service that asked. */
const ownWork: ReadonlySet<string> = new Set(['upkeep', 'prepared files', 'governor']);

/** Returns the end of it. */
export function feedJournal(journal: Journal): () => void {
  const ends = [
    subscribe('flyball:control', ({ journalled, action, subject, by, reason }) => {
      if (journalled === true) return;
      journal.note({ kind: ownWork.has(by) ? 'upkeep' : 'change', action, subject, by, reason });
    }),
    subscribe('flyball:replica', ({ deployment, state, reason, replica, version, coldStartMs }) => {
      if (!told.has(state)) return;
      const details = { replica, version, ...(coldStartMs !== undefined && { readyAfterMs: Math.round(coldStartMs) }) };
      journal.note({ kind: 'replica', action: state, subject: deployment, by: 'upkeep', reason, details });
    }),
  ];
  return () => {
    for (const end of ends) end();
  };
}
