/** Which deployments are shown, and in which order. Pure. */
import type { DeploymentView } from '../../../../src/api/schemas.ts';

/** Each word must be in the name, model, state, mode or version. */
export function matches(deployment: DeploymentView, text: string): boolean {
  const { name, model, state, serving, governor } = deployment;
  const all = [name, model, state, serving, governor?.mode].join(' ').toLowerCase();
  return text
    .toLowerCase()
    .split(/\s+/)
    .every((word) => all.includes(word));
}

const urgency: Readonly<Record<DeploymentView['state'], number>> = {
  failed: 0,
  degraded: 1,
  updating: 2,
  starting: 3,
  serving: 4,
  idle: 5,
  asleep: 6,
};

export const orders = ['name', 'trouble', 'load'] as const;
export type Order = (typeof orders)[number];

const byName = (a: DeploymentView, b: DeploymentView): number => (a.name < b.name ? -1 : Number(a.name > b.name));

/** How far over its objective; what promises nothing misses nothing. */
function over({ sloP99Ms, load }: DeploymentView): number {
  return sloP99Ms === null || load.p99Ms === null ? 0 : Math.max(0, load.p99Ms / sloP99Ms - 1);
}

export function arranged(
  deployments: readonly DeploymentView[],
  { text, order }: { readonly text: string; readonly order: Order },
): readonly DeploymentView[] {
  const shown = text.trim() === '' ? [...deployments] : deployments.filter((each) => matches(each, text.trim()));
  switch (order) {
    case 'name':
      return shown.sort(byName);
    case 'load':
      return shown.sort((a, b) => b.load.requestsPerSecond - a.load.requestsPerSecond || byName(a, b));
    case 'trouble':
      return shown.sort((a, b) => urgency[a.state] - urgency[b.state] || over(b) - over(a) || byName(a, b));
  }
}

export interface Totals {
  readonly requestsPerSecond: number;
  readonly desired: number;
  readonly ready: number;
  /** Over their objective. */
  readonly over: number;
  /** With an objective and a latency to hold against it. */
  readonly promised: number;
}

export function totals(deployments: readonly DeploymentView[]): Totals {
  const sum = (of: (deployment: DeploymentView) => number): number =>
    deployments.reduce((so, deployment) => so + of(deployment), 0);
  return {
    requestsPerSecond: sum(({ load }) => load.requestsPerSecond),
    desired: sum(({ desired }) => desired),
    ready: sum(({ counts }) => counts.ready),
    over: sum((deployment) => Number(over(deployment) > 0)),
    promised: sum(({ sloP99Ms, load }) => Number(sloP99Ms !== null && load.p99Ms !== null)),
  };
}
