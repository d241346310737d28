/**
 * What is held while nothing is seen: the last target, and more the longer it lasts, since load goes on changing and
 * nobody says which way. 2.1 % × √seconds is what 10 to 20 minutes without telemetry asked for on recorded traffic:
 * with it next to none of the load was late where holding still lost a tenth of it. A direction, not a calibrated rule.
 */
export function blindTarget(target: number, blindSeconds: number, cap: number): number {
  const grown = Math.ceil(target * (1 + 0.021 * Math.sqrt(Math.max(0, blindSeconds))) - 1e-9);
  return Math.max(target, Math.min(grown, Math.floor(cap)));
}
