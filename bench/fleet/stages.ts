/** When the last of so many replicas got so far: what a rise is made of. Pure. */

export interface RiseSeen {
  /** Seconds since it was asked for. */
  readonly at: number;
  /** Replicas that control has, in any state but failed or draining. */
  readonly ordered: number;
  /** Tasks that the engine says run. */
  readonly running: number;
  /** Those that have their model in memory. */
  readonly loaded: number;
  /** Those that have warmed it up. */
  readonly warmed: number;
  /** Those that requests are sent to. */
  readonly ready: number;
}

export type Stage = Exclude<keyof RiseSeen, 'at'>;
export const stages: readonly Stage[] = ['ordered', 'running', 'loaded', 'warmed', 'ready'];

/**
 * Seconds until a stage was first seen complete; undefined for what was not. A stage implies those before it: what is only
 * seen later, by another way, cannot have been later.
 */
export function stageSeconds(seen: readonly RiseSeen[], replicas: number): Record<Stage, number | undefined> {
  const result = {} as Record<Stage, number | undefined>;
  for (const [index, stage] of stages.entries()) {
    const implied = stages.slice(index);
    result[stage] = seen.find((look) => implied.some((each) => look[each] >= replicas))?.at;
  }
  return result;
}
