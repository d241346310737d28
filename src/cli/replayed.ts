/** Decisions made again, by this release's core, from what their entries hold. */
import type { JournalEntryView } from '../api/schemas.ts';
import type { replay } from '../control/governor/replay.ts';
import { FlyballError } from '../errors.ts';

export interface Replayed {
  readonly id: number;
  readonly action: string;
  /** Byte for byte. */
  readonly same: boolean;
  readonly decision: ReturnType<typeof replay>['decision'];
}

interface Recorded {
  readonly recording?: unknown;
  readonly decision?: unknown;
}

const recordedIn = ({ details }: JournalEntryView): Recorded =>
  typeof details === 'object' && details !== null ? details : {};

export function isRecorded(entry: JournalEntryView): boolean {
  const { recording, decision } = recordedIn(entry);
  return typeof recording === 'string' && decision !== undefined;
}

export async function replayed(entry: JournalEntryView): Promise<Replayed> {
  const { id, kind, action } = entry;
  const { recording, decision } = recordedIn(entry);
  if (typeof recording !== 'string' || decision === undefined) {
    const why =
      decision === undefined ? `it is no decision but: ${kind} ${action}` : 'what it rested on was too large to keep';
    throw new FlyballError('INVALID_REQUEST', `entry ${id} cannot be replayed: ${why}`);
  }
  const { replay: decideAgain } = await import('../control/governor/replay.ts');
  try {
    const again = decideAgain(recording, decision);
    return { id, action, same: again.same, decision: again.decision };
  } catch (error) {
    // A file is from anywhere: what is in it need not be a recording.
    const message = error instanceof Error ? error.message : String(error);
    throw new FlyballError('INVALID_REQUEST', `entry ${id} holds no recording that can be read: ${message}`, {
      cause: error,
    });
  }
}

export function replayLine({ id, action, same, decision }: Replayed): string {
  return same
    ? `ok  entry ${id}: ${action} again, byte for byte\n`
    : `!!  entry ${id}: ${action} then, ${decision.held} → ${decision.target} now: ${decision.reason}\n`;
}
