/**
 * The governor's mind of one deployment: the policy that leads, its stand-in, the references that only look on, and
 * what the constraints remember. It thinks once a look and keeps what is needed to think the same again; what forecasters
 * said is part of what it sees.
 *
 * A recording is what the mind was at some look, and everything it has seen since; from it a replay comes to the same
 * decision, byte for byte. It begins anew twice a minute and after each decision that was kept, so that it stays small.
 */
import { askOne, type Asked } from '../../core/scaling/asked.ts';
import { decide, toSaid, type Decided, type DecisionInput, type Said } from '../../core/scaling/decide.ts';
import { startConstraints, type Constraints, type ConstraintMemory } from '../../core/scaling/constrain.ts';
import type { Observation } from '../../core/scaling/observation.ts';
import { makePolicy } from '../../core/scaling/policies/list.ts';
import { run, type Policy } from '../../core/scaling/policy.ts';
import type { Claim, Outcome } from '../../core/scaling/reconcile.ts';

export interface PolicyChoice {
  readonly policy: string;
  readonly parameters: Readonly<Record<string, unknown>>;
}

export interface RecordedLook {
  readonly seen: Observation;
  readonly at: number;
  readonly claims: readonly Claim[];
  readonly constraints: Constraints;
  /** In place of what the policy would say now: it threw, was late, or was not asked. By its place among those asked. */
  readonly failed: readonly (Outcome | undefined)[];
}

export interface Recording {
  readonly lead: PolicyChoice;
  readonly standIn: PolicyChoice;
  readonly states: readonly unknown[];
  readonly memory: ConstraintMemory;
  readonly looks: RecordedLook[];
}

/** What it goes on from after a restart: plain data, with the time at which it was so. */
export interface MindState {
  /** Milliseconds of the mind's own clock, which goes on from process to process. */
  readonly at: number;
  /** Of those that `askedBy` names; undefined for one that begins anew. */
  readonly states: readonly unknown[];
  readonly memory: ConstraintMemory;
}

export interface Mind {
  readonly choice: PolicyChoice;
  think(seen: Observation, claims: readonly Claim[], constraints: Constraints, at: number): Thought;
  /**
   * The leading policy begins anew after a load that is on record. It takes it in pieces, oldest first, so that nobody is
   * held up, and leads with it from `lead` on. Undefined where it would learn nothing by it.
   */
  recall(): Recall | undefined;
  /** What the last thought can be repeated from; a new recording begins. */
  takeRecording(): Recording;
  /** As it is now; it goes on writing into it. */
  state(): MindState;
  /** What it decides with, to be stepped on by somebody else: the policy that leads, its stand-in, and the constraints. */
  copy(): MindCopy;
}

export interface MindCopy {
  readonly asked: readonly Asked[];
  readonly memory: ConstraintMemory;
  /** Of its last look, milliseconds of the mind's own clock. */
  readonly at: number;
}

export interface Recall {
  /** Requests of each second, NaN where nobody saw; false when it cannot learn from them. */
  take(arrivals: ArrayLike<number>): boolean;
  lead(): void;
}

export interface Thought extends Decided {
  /** What the references would have held. */
  readonly others: () => readonly Said[];
}

/** Where the leading policy fails: it needs nothing but the load of the replicas' processors. */
const standIn: PolicyChoice = { policy: 'thresholds', parameters: {} };
const references: readonly string[] = ['hpa', 'kpa', 'ray', 'thresholds'];

/** By name: the policy that leads, its stand-in, and those that look on. */
export const askedBy = ({ policy }: PolicyChoice): readonly string[] => [policy, standIn.policy, ...references];

const recordedMax = 30;
/** Milliseconds that one policy may take of the loop that all deployments share. */
const budgetMs = 50;

export function createPolicy({ policy, parameters }: PolicyChoice): Policy {
  const made = makePolicy(policy, parameters);
  if (made.kind === 'refused') throw new RangeError(`scaling.policy ${policy}: ${made.problems.join('; ')}`);
  return made.policy;
}

/** `now`: milliseconds that only grow, to see how long a policy takes. */
export function createMind(
  choice: PolicyChoice,
  seen: Observation,
  constraints: Constraints,
  at: number,
  now: () => number,
  /** In place of the list's, for tests of policies that fail. */
  make: (choice: PolicyChoice) => Policy = createPolicy,
  /** What the same choice had come to `passedMs` ago. */
  before?: { readonly state: MindState; readonly passedMs: number },
): Mind {
  // Its own clock: monotonic from process to process.
  const ahead = before === undefined ? 0 : before.state.at + before.passedMs - at;
  let last = at + ahead;
  const open = (wanted: PolicyChoice, index: number): Asked => {
    const policy = make(wanted);
    return {
      make: () => policy,
      running: run(policy, seen, last, before?.state.states[index]),
      failures: 0,
      restUntil: 0,
    };
  };
  const asked = [choice, standIn].map(open);
  const others = references.map((policy, index) => open({ policy, parameters: {} }, asked.length + index));
  let memory = before?.state.memory ?? startConstraints(constraints, seen.fleet.target, last / 1000);
  let recording: Recording = record();

  function record(): Recording {
    return structuredClone({
      lead: choice,
      standIn,
      states: asked.map(({ running }) => running.state()),
      memory,
      looks: [],
    });
  }

  let latest = seen;
  const patience = { budgetMs, now };

  return {
    choice,
    think(look, claims, set, lookedAt) {
      const moment = lookedAt + ahead;
      last = moment;
      latest = look;
      if (recording.looks.length >= recordedMax) recording = record();
      const outcomes = asked.map((one) => askOne(one, look, moment, patience));
      const failed = outcomes.map((outcome) => (outcome.kind === 'proposed' ? undefined : outcome));
      recording.looks.push({ seen: look, at: moment, claims, constraints: set, failed });
      const input: DecisionInput = { seen: look, outcomes, claims, constraints: set, at: moment };
      const decided = decide(memory, input);
      memory = decided.memory;
      const onlooking = others.map((one) => askOne(one, look, moment, patience));
      return { ...decided, others: () => onlooking.map((outcome) => toSaid(outcome, look.max)) };
    },
    recall() {
      const [lead] = asked;
      const policy = lead?.make();
      if (lead === undefined || policy?.learn === undefined) return undefined;
      const state = policy.start(latest, last);
      return {
        take: (arrivals) => policy.learn?.(state, latest, arrivals) ?? false,
        lead() {
          lead.running = run(policy, latest, last, state);
          recording = record();
        },
      };
    },
    takeRecording() {
      const taken = recording;
      recording = record();
      return taken;
    },
    copy: () => ({
      asked: asked.map((one) => {
        const state = structuredClone(one.running.state());
        return { ...one, running: run(one.make(), latest, last, state) };
      }),
      memory: structuredClone(memory),
      at: last,
    }),
    state: () => ({
      at: last,
      states: [...asked, ...others].map(({ running }) => running.state()),
      memory,
    }),
  };
}
