/**
 * The one way on which the governor changes a target. It asks once more, between two turns of the upkeep loop, whether
 * it may; writes the new target and its journal entry in one transaction; and leaves the rest to upkeep.
 * After a kill there are both or neither: a target is absolute, so nothing is done twice.
 */
import type { Journal } from '../../journal/open-journal.ts';
import type { JournalEntry, JournalNote } from '../../journal/entry.ts';
import type { Store } from '../../store/store.ts';
import { publish } from '../../telemetry/events.ts';
import type { Deployments } from '../deployments.ts';
import type { UpkeepLoop } from '../upkeep-loop.ts';
import type { Modes } from './modes.ts';

export interface Move {
  readonly deployment: string;
  readonly from: number;
  readonly to: number;
  readonly by: string;
  readonly reason: string;
  /** A person has agreed to this very change: the mode `approve` is enough. */
  readonly approved: boolean;
  readonly kind: JournalNote['kind'];
  readonly details: unknown;
}

export type Moved =
  | { readonly kind: 'moved'; readonly entry: JournalEntry }
  | { readonly kind: 'refused'; readonly reason: string };

export interface MoveParts {
  readonly deployments: Deployments;
  readonly store: Store;
  readonly journal: Journal;
  readonly modes: Modes;
  readonly loop: UpkeepLoop;
}

export function moveTarget(parts: MoveParts, move: Move): Promise<Moved> {
  const { deployments, store, journal, loop } = parts;
  return loop.exclusively(async (): Promise<Moved> => {
    const refused = whyNot(parts, move);
    if (refused !== undefined) return { kind: 'refused', reason: refused };
    const { deployment: name, from, to, by, reason, kind, details } = move;
    const action = `${from} → ${to}`;
    const entry = await store.transaction(async (access) => {
      await access.setDesired(name, to);
      // What a person had set by hand is overtaken: the target is the governor's again.
      await access.removeOverride(`deployments.${name}.replicas`);
      return journal.append(access, { kind, action, subject: name, by, reason, details });
    });
    const deployment = deployments.get(name);
    deployment.record = { ...deployment.record, desired: to };
    publish('flyball:control', { action, subject: name, by, reason, journalled: true });
    return { kind: 'moved', entry };
  });
}

function whyNot({ deployments, modes }: MoveParts, move: Move): string | undefined {
  const deployment = deployments.find(move.deployment);
  if (deployment === undefined || deployment.removing) return 'it is being removed';
  const halt = modes.halt(move.deployment);
  if (halt !== undefined) return `halted by ${halt.by}: ${halt.reason}`;
  const { mode } = modes.of(deployment);
  if (mode === 'advise') return 'the mode is advise';
  if (mode === 'approve' && !move.approved) return 'the mode is approve';
  const { min, max } = deployment.record.specification.replicas;
  if (move.to < min || move.to > max) return `the bounds are ${min} to ${max} now`;
  if (deployment.record.desired !== move.from) return `the target is ${deployment.record.desired} by now`;
  return undefined;
}
