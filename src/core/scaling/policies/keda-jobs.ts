/** How many jobs KEDA starts: kedacore/keda 8b4f083, pkg/scaling/executor/scale_jobs.go and pkg/scaling/scaledjob. */

export interface JobStrategy {
  readonly strategy: 'default' | 'custom' | 'accurate' | 'eager';
  readonly queueLengthDeduction: number | null;
  readonly runningJobPercentage: number | null;
}

export interface Jobs {
  readonly maxScale: number;
  readonly runningJobs: number;
  readonly pendingJobs: number;
  readonly maxReplicas: number;
  readonly scaleTo: number;
}

export function effectiveMaxScale(
  { strategy, queueLengthDeduction, runningJobPercentage }: JobStrategy,
  { maxScale, runningJobs, pendingJobs, maxReplicas, scaleTo }: Jobs,
): { readonly maxScale: number; readonly scaleTo: number } {
  if (strategy === 'accurate') {
    return { maxScale: Math.min(maxScale - pendingJobs, maxReplicas - runningJobs), scaleTo };
  }
  if (strategy === 'eager') {
    return { maxScale: Math.min(maxReplicas - runningJobs - pendingJobs, maxScale), scaleTo: maxReplicas };
  }
  // A percentage that can't be read leaves the default strategy.
  if (strategy === 'custom' && runningJobPercentage !== null && Number.isFinite(runningJobPercentage)) {
    const wanted = maxScale - (queueLengthDeduction ?? 0) - runningJobs * runningJobPercentage;
    return { maxScale: Math.trunc(Math.min(wanted, maxReplicas)), scaleTo };
  }
  return { maxScale: maxScale - runningJobs, scaleTo };
}

/** The minimum is served first; what runs for it does not count against the queue. */
export function decideJobs(
  strategy: JobStrategy,
  minReplicas: number,
  jobs: Jobs,
): { readonly effectiveMaxScale: number; readonly scaleTo: number } {
  const missing = minReplicas - jobs.runningJobs;
  if (minReplicas > 0 && missing > 0) return { effectiveMaxScale: missing, scaleTo: missing };
  const runningJobs = minReplicas > 0 ? jobs.runningJobs - minReplicas : jobs.runningJobs;
  const { maxScale, scaleTo } = effectiveMaxScale(strategy, { ...jobs, runningJobs });
  return { effectiveMaxScale: Math.max(0, maxScale), scaleTo };
}

export interface JobTrigger {
  readonly queueLength: number;
  readonly targetAverage: number;
  readonly active: boolean;
}

/** Several triggers as one; only active ones count. */
export function combineJobTriggers(
  calculation: 'max' | 'min' | 'avg' | 'sum',
  minReplicas: number,
  maxReplicas: number,
  triggers: readonly JobTrigger[],
): { readonly active: boolean; readonly queueLength: number; readonly maxScale: number } {
  const counted = triggers
    .filter(({ active }) => active)
    .map(({ queueLength, targetAverage }) => ({
      queueLength,
      maxScale: targetAverage === 0 ? 0 : Math.min(queueLength / targetAverage, maxReplicas),
    }));
  const sum = counted.reduce(
    (total, one) => ({
      queueLength: total.queueLength + one.queueLength,
      maxScale: total.maxScale + one.maxScale,
    }),
    { queueLength: 0, maxScale: 0 },
  );
  const share = calculation === 'avg' && counted.length > 0 ? counted.length : 1;
  const chosen =
    calculation === 'sum' || calculation === 'avg'
      ? { queueLength: sum.queueLength / share, maxScale: sum.maxScale / share }
      : counted.toSorted((left, right) =>
          calculation === 'min' ? left.queueLength - right.queueLength : right.queueLength - left.queueLength,
        )[0];
  return {
    active: counted.length > 0 || minReplicas > 0,
    queueLength: Math.ceil(chosen?.queueLength ?? 0),
    maxScale: Math.ceil(Math.min(chosen?.maxScale ?? 0, maxReplicas)),
  };
}
