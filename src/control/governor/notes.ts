/** What of the governor's decisions goes into the journal, and in which form. */
import type { Clock } from '../../clock.ts';
import type { Cut } from '../../core/scaling/constrain.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { DecisionDetails, Done, Governed, LastLook } from './governed.ts';
import { toInputs } from './inputs.ts';
import type { Thought } from './mind.ts';
import { packRecording } from './replay.ts';

export interface Noting {
  readonly journal: Journal;
  readonly clock: Clock;
}

/** A decision that changes every second is written down no more often than this, unless it was carried out. */
const journalEveryMs = 5000;

/** The whole decision, as the journal keeps it; it becomes the last one that status tells of. */
export function detailsOf(
  { clock }: Pick<Noting, 'clock'>,
  own: Governed,
  seen: Observation,
  thought: Thought,
  done: Done,
  mode: DecisionDetails['mode'],
): DecisionDetails {
  const recording = own.mind === undefined ? undefined : packRecording(own.mind.takeRecording());
  const decision = thought.describe();
  own.changed = { at: clock.wall(), decision, done };
  return {
    mode,
    done,
    decision,
    inputs: toInputs(seen),
    others: thought.others(),
    ...(own.forecasts === undefined ? {} : { forecasts: own.forecasts.view() }),
    ...(own.setPoints === undefined ? {} : { setPoint: own.setPoints.view() }),
    ...(recording === undefined ? {} : { recording }),
  };
}

export const wordsOf = (cuts: readonly Cut[]): string =>
  cuts.map(({ stage, reason }) => `${stage}: ${reason}`).join('; ');

/** Into the journal, when it says something new; what was moved is there already. */
export function keep(parts: Noting, deployment: string, own: Governed, look: LastLook, at: number): void {
  const { mode, seen, thought, done, doubtful } = look;
  const key = [mode, done.kind, thought.target, seen.fleet.target, doubtful, thought.unsound.length > 0].join(' ');
  // What was moved has its entry; that it is held then is no news.
  const isMove = done.kind === 'moved';
  if (
    isMove ||
    (own.journalled?.isMove === true && done.kind === 'held' && !doubtful && thought.unsound.length === 0)
  ) {
    own.journalled = { key, at, isMove };
    return;
  }
  if (own.journalled?.key === key || at - (own.journalled?.at ?? -Infinity) < journalEveryMs) return;
  own.journalled = { key, at, isMove };
  const { target } = thought;
  const held = seen.fleet.target;
  const details = detailsOf(parts, own, seen, thought, done, mode);
  parts.journal.note({
    kind: 'decision',
    action: target === held ? `hold ${held}` : `${done.kind === 'asked' ? 'ask' : 'advise'} ${held} → ${target}`,
    subject: deployment,
    by: 'governor',
    reason: details.decision.reason,
    details,
  });
}
