/**
 * What somebody asks a rehearsal to be: the options of `flyball rehearse` and the body of the control API come to the
 * same object, so that both plan the same. What is left out is as the deployment has it.
 */
import type { DeploymentSpecification } from '../../config/specification.ts';
import type { LatencyModel } from '../../core/latency/model.ts';
import type { Lag } from '../../core/scaling/observation.ts';
import type { FaultSettings } from '../faults.ts';
import type { Distribution } from '../world/distribution.ts';
import type { ServiceModel } from '../world/service.ts';

/** A policy or a fault by name, with what is set on it. */
export interface Named {
  readonly name: string;
  readonly given: Readonly<Record<string, unknown>>;
}

export interface Ask {
  readonly seed: number;
  /** Mean time of a call of so many rows, ascending from one row on. */
  readonly curve?: ServiceModel['curve'] | undefined;
  /** How single calls scatter, deviation over mean. */
  readonly spread?: number | undefined;
  /** A request that takes longer is missed. */
  readonly latencyMs?: number | undefined;
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly lag?: Distribution | undefined;
  readonly faults?: FaultSettings | undefined;
  /** Absent: the deployment's own and every other that has a rule for any load. */
  readonly policies?: readonly Named[] | undefined;
  /** Share of requests that may be missed. */
  readonly tolerated?: number | undefined;
  readonly pricePerHour?: number | undefined;
}

/** What a deployment that runs has shown of itself. */
export interface Shown {
  readonly deployment: string;
  readonly model: LatencyModel;
  /** Of the last decision, where there was one. */
  readonly lag: Lag | undefined;
  readonly latencyMs: number | undefined;
}

/** Whom it is about. */
export interface AskedOf {
  readonly specification: DeploymentSpecification | undefined;
  readonly shown: Shown | undefined;
}

/** How whoever asks writes an option's name: `--lag` on a command line, `lag` in a body. */
export interface Wording {
  readonly option: (name: string) => string;
  /** What follows on a note about something that was assumed: how to say it oneself. */
  readonly orSay: (name: string) => string;
}

export const inBody: Wording = { option: (name) => name, orSay: () => '' };

/** What was asked for cannot be rehearsed; its message says what was expected, `hint` what to do. */
export class AskRefused extends Error {
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.name = 'AskRefused';
    this.hint = hint;
  }
}
