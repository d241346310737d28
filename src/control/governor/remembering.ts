/** What the governor has learned of a deployment is kept now and then; one that begins with nothing learns from the record. */
import type { Journal } from '../../journal/open-journal.ts';
import type { Background } from '../background.ts';
import type { Deployment } from '../deployments.ts';
import type { Governed } from './governed.ts';
import { toKept, type KeptMinds } from './kept-minds.ts';
import type { Mind } from './mind.ts';
import { recallPast, type Past } from './recall.ts';
import { multipliersOf } from './settings.ts';

/** What was learned is kept this often, and after each change of a target; seldomer where it is large. */
const keepEveryMs = 60_000;
const keptBytesPerSecond = 1000;

interface Parts {
  readonly minds: KeptMinds;
  readonly past: Past;
  readonly journal: Journal;
  readonly background: Background;
  /** Whether this is still what is known of it. */
  readonly isGoverned: (deployment: string, own: Governed) => boolean;
}

export interface Remembering {
  keepMind(name: string, own: Governed, at: number): void;
  recallOnRecord(deployment: Deployment, own: Governed, mind: Mind): void;
}

export function openRemembering({ minds, past, journal, background, isGoverned }: Parts): Remembering {
  /** A lost one costs what was learned since the one before. */
  function keepMind(name: string, own: Governed, at: number): void {
    own.keptAt = at;
    const kept = toKept(own, at);
    if (kept === undefined) return;
    const write = async (): Promise<void> => {
      const bytes = await minds.keep(name, kept);
      own.keepEveryMs = Math.max(keepEveryMs, (bytes / keptBytesPerSecond) * 1000);
    };
    background.run(`keeping what is known of ${name}`, write);
  }

  /** A mind that begins with nothing learns from what is on record. */
  function recallOnRecord({ name, record }: Deployment, own: Governed, mind: Mind): void {
    own.recalls = false;
    // What is on record was not multiplied by what other systems told.
    if (multipliersOf(record.specification).length > 0) return;
    const isStill = (): boolean => isGoverned(name, own) && own.mind === mind;
    const work = async (): Promise<void> => {
      const seconds = await recallPast(past, name, mind, isStill);
      if (seconds === 0) return;
      const reason = `${mind.choice.policy} begins with the load of ${seconds} s that are on record`;
      journal.note({ kind: 'upkeep', action: 'recall', subject: name, by: 'governor', reason });
    };
    background.run(`recalling the load of ${name}`, work);
  }

  return { keepMind, recallOnRecord };
}
