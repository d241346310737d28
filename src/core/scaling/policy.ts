/**
 * A policy: how many units one deployment should have, as a step function of its own state, what is seen, and the time.
 * The live loop and the rehearsal run the same one. It proposes; what is done is for reconcile and constrain to say.
 *
 * Laws, held by the tests of every policy: the same steps from the same start give the same proposals; with its input in
 * doubt (`doubt` says why) it proposes no less than what is held. State is plain data (numbers, arrays, typed arrays),
 * so that a restart goes on where it was; whoever keeps it lets `at` go on as well, since a process's own monotonic clock
 * begins anew: to what was kept it adds what has passed. A step takes the state over and may write into it: the caller
 * uses the returned one from then on and nothing else.
 */
import type { Observation } from './observation.ts';
import type { Parameters, ParameterTable } from './parameters.ts';

export interface Proposal {
  /** Units wanted. Whole and at least 0 if the rule is sound; reconcile answers for it. */
  readonly target: number;
  /** In words, from the numbers of this step. Called only when somebody reads it: most steps change nothing. */
  readonly reason: () => string;
  /** Why the input cannot be relied on: the target may then raise or hold, never lower. Absent when there is no doubt. */
  readonly doubt?: string | undefined;
}

export interface Step<State> {
  readonly state: State;
  readonly proposal: Proposal;
}

export interface Policy<State = unknown> {
  readonly name: string;
  /** It makes use of `foresight`: whoever runs it where nobody else reads forecasts can spare them otherwise. */
  readonly foresees?: boolean;
  /** The state of one who has seen nothing yet. `at`: monotonic milliseconds. */
  start(seen: Observation, at: number): State;
  /**
   * Called about once a second, whatever the rule's own period is; a rule that isn't due repeats its proposal.
   * `at` never goes back; a gap is time in which nothing was seen.
   */
  step(state: State, seen: Observation, at: number): Step<State>;
  /**
   * Learns from a load that was before its first step: requests of each second, oldest first, NaN where nobody saw. May be
   * called again with what followed. False while it cannot, as long as no service time is known. Absent in a rule that
   * remembers nothing that it would not have again in a minute.
   */
  learn?(state: State, seen: Observation, arrivals: ArrayLike<number>): boolean;
}

/** One entry of the list of policies: what it is called, what can be set, and how it is made. */
export interface PolicyDefinition<Table extends ParameterTable = ParameterTable> {
  readonly name: string;
  /** Raised with every change of what its state is made of: what an earlier layout has left is not gone on from. */
  readonly layout: number;
  /** One line. */
  readonly summary: string;
  /** Where the rule is published. */
  readonly source: string;
  readonly parameters: Table;
  create(parameters: Parameters<Table>): Policy;
}

/**
 * A policy as its caller holds it: the state goes along, so that policies of different states stand in one list.
 */
export interface RunningPolicy {
  readonly name: string;
  step(seen: Observation, at: number): Proposal;
  /** To be kept over a restart; `resume` takes it. */
  readonly state: () => unknown;
}

export function run<State>(policy: Policy<State>, seen: Observation, at: number, kept?: State): RunningPolicy {
  let state = kept ?? policy.start(seen, at);
  return {
    name: policy.name,
    step: (seen, at) => {
      const step = policy.step(state, seen, at);
      state = step.state;
      return step.proposal;
    },
    state: () => state,
  };
}

/** What is held stays: with the doubt that forbids to lower it. */
export function hold(seen: Observation, doubt: string): Proposal {
  return { target: seen.fleet.target, reason: () => `${doubt}: nothing is lowered`, doubt };
}
