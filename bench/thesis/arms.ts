/** What the thesis's experiment compares, and what each side is told. Pure. */

export type Arm =
  | { readonly kind: 'fixed'; readonly workers: number }
  | { readonly kind: 'dynamic'; readonly policy: 'thresholds' | 'slo' };

/** The baseline is the first. */
export const arms: readonly Arm[] = [
  { kind: 'fixed', workers: 2 },
  { kind: 'fixed', workers: 4 },
  { kind: 'fixed', workers: 6 },
  { kind: 'dynamic', policy: 'thresholds' },
  { kind: 'dynamic', policy: 'slo' },
];

export const fewest = 2;
export const most = 6;

export function nameOf(arm: Arm): string {
  if (arm.kind === 'fixed') return `${arm.workers} workers`;
  return `${fewest} to ${most}, ${arm.policy === 'slo' ? 'SLO policy' : '80/40 thresholds'}`;
}

/**
 * Seconds that the thesis's Table 5.1 has ("Architecture for scalable deployment of AI models", Instituto Politécnico de
 * Bragança, 2025): 3,000 requests, 100 at once. Its dynamic run began with two machines; each further one took 150 s to come.
 */
export const thesis = { requests: 3000, callers: 100, fixed: { 2: 2511.32, 4: 1211.91, 6: 705.28 }, dynamic: 1922.78 };
export const thesisBaseline = thesis.fixed[2];

/** Undefined for what the thesis did not have. */
export function thesisSeconds(arm: Arm): number | undefined {
  if (arm.kind === 'fixed') return (thesis.fixed as Readonly<Record<number, number>>)[arm.workers];
  return arm.policy === 'thresholds' ? thesis.dynamic : undefined;
}

/** How long CPU had to be above 80 % in the thesis before a machine was asked for. */
const thesisPeriodSeconds = 300;

/**
 * The same share of the baseline's run as there, whole seconds: runs are shorter here, and a rule that waits for longer
 * than its load lasts would only show that.
 */
export function alertPeriodSeconds(baselineSeconds: number): number {
  return Math.max(1, Math.round((thesisPeriodSeconds * baselineSeconds) / thesisBaseline));
}

/** No more than the baseline answers in so long, by hundreds where there are that many. */
export function requestsWithin(asked: number, perSecond: number, secondsMax: number): number {
  const possible = Math.floor(perSecond * secondsMax);
  if (possible >= asked) return asked;
  return possible < 100 ? Math.max(1, possible) : possible - (possible % 100);
}

/** `replicas` and `scaling` of the deployment. */
export function scalingOf(arm: Arm, periodSeconds: number): Readonly<Record<string, unknown>> {
  if (arm.kind === 'fixed') return { replicas: { min: arm.workers, max: arm.workers } };
  const parameters =
    arm.policy === 'thresholds' ? { parameters: { upper: 0.8, lower: 0.4, sustainedSeconds: periodSeconds } } : {};
  return {
    replicas: { min: fewest, max: most },
    scaling: { mode: 'auto', modeReason: 'the experiment is about it', policy: arm.policy, ...parameters },
  };
}
