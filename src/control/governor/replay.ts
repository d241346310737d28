/**
 * A decision once more, from what the journal keeps with it: the same core on the same inputs. What comes out is
 * compared as canonical JSON, so that "the same" means every byte.
 */
import { deserialize, serialize } from 'node:v8';
import { deflateSync, inflateSync } from 'node:zlib';
import { canonicalJson } from '../../config/canonical-json.ts';
import { ask, decide, type Decision } from '../../core/scaling/decide.ts';
import { run } from '../../core/scaling/policy.ts';
import type { Outcome } from '../../core/scaling/reconcile.ts';
import { createPolicy, type Recording } from './mind.ts';

/** A policy's memory may be large; beyond this the entry says that it cannot be replayed. */
const recordingBytesMax = 1_048_576;

/** Deflated and in base64; undefined where it is too large to keep. */
export function packRecording(recording: Recording): string | undefined {
  const packed = deflateSync(serialize(recording));
  return packed.length > recordingBytesMax ? undefined : packed.toString('base64');
}

export function unpackRecording(packed: string): Recording {
  const bytes = inflateSync(Buffer.from(packed, 'base64'), { maxOutputLength: 64 * recordingBytesMax });
  return deserialize(bytes) as Recording;
}

export function decideAgain({ lead, standIn, states, memory: before, looks }: Recording): Decision {
  let memory = before;
  let again: Decision | undefined;
  const [first] = looks;
  if (first === undefined) throw new RangeError('the recording holds no look');
  const policies = [lead, standIn].map(createPolicy);
  const running = policies.map((policy, index) => run(policy, first.seen, first.at, states[index]));
  for (const { seen, at, claims, constraints, failed } of looks) {
    const outcomes = policies.map((policy, index): Outcome => {
      const one = running[index] ?? run(policy, seen, at);
      const failure = failed[index];
      const outcome = isUnasked(failure) ? failure : ask(one, seen, at, Number.POSITIVE_INFINITY, () => 0);
      if (failure?.kind === 'threw' && !isUnasked(failure)) running[index] = run(policy, seen, at);
      return failure ?? outcome;
    });
    const decided = decide(memory, { seen, outcomes, claims, constraints, at });
    memory = decided.memory;
    again = decided.describe();
  }
  if (again === undefined) throw new RangeError('the recording holds no look');
  return again;
}

/** One that was resting was not asked, and its state did not move. */
function isUnasked(failure: Outcome | undefined): failure is Outcome {
  return failure?.kind === 'threw' && failure.message.includes('is asked again in');
}

export interface Replayed {
  readonly same: boolean;
  readonly decision: Omit<Decision, 'raw' | 'chain'>;
}

/** An earlier release kept what was cut, and not every limit. */
function withoutChain({ raw: _raw, chain: _chain, ...decision }: Decision): Omit<Decision, 'raw' | 'chain'> {
  return decision;
}

export function replay(packed: string, journalled: unknown): Replayed {
  const again = decideAgain(unpackRecording(packed));
  const decision = Object.hasOwn(journalled as object, 'chain') ? again : withoutChain(again);
  return { same: canonicalJson(decision) === canonicalJson(journalled), decision };
}
