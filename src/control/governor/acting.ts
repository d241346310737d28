/** What is done with a decision, by the mode: nothing, a question to a person, or a move; and those who asked are told. */
import type { Clock } from '../../clock.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import { doubtOf } from '../../core/scaling/signals.ts';
import type { Background } from '../background.ts';
import type { Deployment } from '../deployments.ts';
import { expect } from './aftermath.ts';
import type { Approvals } from './approvals.ts';
import type { Done, Governed } from './governed.ts';
import type { Thought } from './mind.ts';
import { moveTarget, type MoveParts } from './move.ts';
import { detailsOf, wordsOf } from './notes.ts';
import type { Outside } from './outside.ts';
import type { Remembering } from './remembering.ts';

export interface ActingParts extends MoveParts {
  readonly approvals: Approvals;
  readonly outside: Outside;
  readonly background: Background;
  readonly remembering: Remembering;
  readonly clock: Clock;
}

export interface Acting {
  /** What is to be done with it now; a move goes its way by itself. */
  act(deployment: Deployment, own: Governed, seen: Observation, thought: Thought, at: number): Done;
  /** Those who asked for something from outside are told what came of it. */
  answer(deployment: string, held: number, thought: Thought, done: Done, entry?: number): void;
}

export function openActing(parts: ActingParts): Acting {
  const { modes, approvals, outside, background, remembering, clock } = parts;

  function act(deployment: Deployment, own: Governed, seen: Observation, thought: Thought, at: number): Done {
    const { name } = deployment;
    const { target } = thought;
    const held = seen.fleet.target;
    // Of one that was woken nobody has said yet how many are wanted.
    const from = deployment.record.desired;
    if (target === held) {
      approvals.withdraw(name, `${held} replicas are enough, and needed, again`);
      const doubt = thought.doubt ?? doubtOf('the load', seen.signals.arrivals);
      return { kind: 'held', why: doubt ?? `${held} is what is wanted` };
    }
    const halt = modes.halt(name);
    if (halt !== undefined) return { kind: 'refused', why: `halted by ${halt.by}: ${halt.reason}`, because: 'halt' };
    const { mode } = modes.of(deployment);
    if (mode === 'advise') return { kind: 'advised', why: 'the mode is advise' };
    if (mode === 'approve') {
      approvals.propose({ deployment: name, from, to: target, reason: thought.describe().reason });
      const waiting = approvals.of(name);
      return waiting === undefined
        ? { kind: 'refused', why: 'a person has just refused it', because: 'rejected' }
        : { kind: 'asked', why: `waits for approval ${waiting.id}` };
    }
    if (own.busy) return { kind: 'refused', why: 'the change before is not written yet', because: 'busy' };
    own.busy = true;
    own.movedAt = at;
    const done: Done = { kind: 'moved', why: 'the mode is auto' };
    const before = own.changed;
    const details = detailsOf(parts, own, seen, thought, done, mode);
    const { reason } = details.decision;
    const move = { deployment: name, from, to: target, by: 'governor', reason, approved: false } as const;
    background.run(`scaling ${name}`, async () => {
      const moved = await moveTarget(parts, { ...move, kind: 'decision', details }).finally(() => (own.busy = false));
      if (moved.kind === 'refused') {
        // The mode, the bounds or the target have changed meanwhile: what was decided has not happened.
        own.changed = before;
        if (own.last !== undefined)
          own.last = { ...own.last, done: { kind: 'refused', why: moved.reason, because: 'overtaken' } };
      }
      expect(own, moved, held, target, seen, at);
      if (moved.kind === 'moved') {
        remembering.keepMind(name, own, clock.now());
        answer(name, held, thought, done, moved.entry.id);
      } else answer(name, held, thought, { kind: 'refused', why: moved.reason });
    });
    return done;
  }

  function answer(deployment: string, held: number, thought: Thought, done: Done, entry?: number): void {
    if (outside.claimsOn(deployment).length === 0) return;
    const cuts = (): string => wordsOf(thought.describe().cuts);
    outside.answer(deployment, { done, held, target: thought.target, cuts, ...(entry !== undefined && { entry }) });
  }

  return { act, answer };
}
