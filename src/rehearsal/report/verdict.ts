/** What a rehearsal says, in sentences: who keeps the promise, at what price, and what stands in nobody's power. Pure. */
import type { PolicyReport, Report } from './compare.ts';

export function percent(share: number): string {
  const value = share * 100;
  if (value === 0) return '0 %';
  if (value < 0.01) return '< 0.01 %';
  return `${value < 10 ? Number(value.toFixed(2)) : Number(value.toFixed(1))} %`;
}

export function replicaHours(seconds: number): string {
  const hours = seconds / 3600;
  return hours >= 100 ? String(Math.round(hours)) : String(Number(hours.toPrecision(3)));
}

const parameter = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

/** `hpa cpuPercent=70`. */
export function labelOf({ name, parameters }: Pick<PolicyReport, 'name' | 'parameters'>): string {
  return [name, ...Object.entries(parameters).map(([key, value]) => `${key}=${parameter(value)}`)].join(' ');
}

function times(one: number, other: number): string {
  const share = one / other - 1;
  if (Math.abs(share) < 0.005) return 'costs the same';
  return share > 1 ? `costs ${(share + 1).toFixed(1)} times that` : `costs ${percent(share)} more`;
}

export function verdict({ policies, clairvoyant, requests }: Report, tolerated: number): readonly string[] {
  if (requests === 0) return ['Nobody came: this says nothing of any policy.'];
  const scaling = policies.filter(({ name }) => name !== 'fixed');
  const isKept = (one: PolicyReport): boolean => one.violationFraction <= tolerated;
  const byCost = [...policies].sort((one, other) => one.replicaSeconds - other.replicaSeconds);
  const [best, ...others] = byCost.filter(isKept);
  const [least] = [...policies].sort((one, other) => one.violationFraction - other.violationFraction);
  const sentences: string[] = [];
  if (best === undefined) {
    if (least === undefined) return sentences;
    sentences.push(
      `None keeps ${percent(tolerated)}: ${labelOf(least)} misses least, ${percent(least.violationFraction)} for ${replicaHours(least.replicaSeconds)} replica-hours.`,
    );
  } else {
    sentences.push(
      `${labelOf(best)} is the cheapest that keeps ${percent(tolerated)}: it misses ${percent(best.violationFraction)} for ${replicaHours(best.replicaSeconds)} replica-hours.`,
    );
    for (const other of others)
      sentences.push(`${labelOf(other)} keeps it too and ${times(other.replicaSeconds, best.replicaSeconds)}.`);
  }
  const missed = scaling.filter((one) => !isKept(one) && best !== undefined);
  if (missed.length > 0) {
    const each = missed.map((one) => `${labelOf(one)} (${percent(one.violationFraction)})`);
    sentences.push(`${each.join(', ')} ${missed.length === 1 ? 'does' : 'do'} not keep it.`);
  }
  if (best?.name === 'fixed' && scaling.length > 0)
    sentences.push(
      others.some(({ name }) => name !== 'fixed')
        ? 'On this traffic, at this lag, none that scales is worth it: a standing fleet is cheaper and keeps it too.'
        : 'Of those that scale none keeps it; a standing fleet of that size, which nobody could have known, does.',
    );
  const compared = best ?? least;
  if (compared !== undefined && clairvoyant.replicaSeconds > 0)
    sentences.push(
      `Who knew the future would need ${replicaHours(clairvoyant.replicaSeconds)} replica-hours at least; ${labelOf(compared)} takes ${(compared.replicaSeconds / clairvoyant.replicaSeconds).toFixed(2)} times that.`,
    );
  return sentences;
}
