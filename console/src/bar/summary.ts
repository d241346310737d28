/** What the governor bar says, from the status. Pure. */
import type { DeploymentView, StatusView } from '../../../src/api/schemas.ts';

export interface ModeSummary {
  /** `2 auto`, `1 advise`, in the order of how much is given away. */
  readonly parts: readonly { readonly mode: string; readonly count: number }[];
  readonly ungoverned: number;
}

const order = ['auto', 'approve', 'advise'];

export function modesOf(deployments: readonly DeploymentView[]): ModeSummary {
  const counts = new Map<string, number>();
  for (const { governor } of deployments) {
    if (governor !== undefined) counts.set(governor.mode, (counts.get(governor.mode) ?? 0) + 1);
  }
  const parts = order.flatMap((mode) => {
    const count = counts.get(mode);
    return count === undefined ? [] : [{ mode, count }];
  });
  const governed = parts.reduce((sum, { count }) => sum + count, 0);
  return { parts, ungoverned: deployments.length - governed };
}

export interface Oldest {
  readonly ageMs: number | null;
  readonly deployment: string;
}

/** Of deployments that should report; one that sleeps has nothing to say. Null: one has never reported. */
export function oldestSignal(status: StatusView, now: number): Oldest | undefined {
  const told = status.deployments.filter(({ state }) => state !== 'asleep' && state !== 'idle');
  const since = Math.max(0, now - status.at);
  const ages = told.map(({ name, load }) => ({
    deployment: name,
    ageMs: load.ageMs === null ? null : load.ageMs + since,
  }));
  return ages.sort((a, b) => (b.ageMs ?? Infinity) - (a.ageMs ?? Infinity))[0];
}

/** What stops, and what goes on, in sentences: shown before anybody presses anything. */
export function haltEffects(status: StatusView, scope: 'targets' | 'all'): readonly string[] {
  const replicas = status.deployments.reduce((sum, { counts }) => sum + counts.ready, 0);
  const coming = status.deployments.reduce((sum, { counts }) => sum + counts.starting, 0);
  const stays = `${replicas} ready ${replicas === 1 ? 'replica' : 'replicas'} of ${status.deployments.length} deployments go on serving.`;
  const starts = coming === 0 ? [] : [`${coming} that are starting become ready.`];
  if (scope === 'targets') {
    return [
      'No target is changed by itself, in any deployment, until somebody releases.',
      stays,
      ...starts,
      'Replicas that die are restored, and deployments that sleep are woken.',
      'People can still scale by hand.',
    ];
  }
  return [
    'No target is changed by itself, and upkeep stops too: replicas that die are not restored, nobody who sleeps is woken.',
    stays,
    ...starts,
    'What somebody scales by hand meanwhile is carried out after the release.',
  ];
}

/** What a release gives back. */
export function releaseEffects({ deployments }: Pick<StatusView, 'deployments'>): readonly string[] {
  const count = deployments.filter(({ governor }) => governor?.mode === 'auto').length;
  return [
    count === 0
      ? 'No deployment is governed by itself; targets stay until a person changes them.'
      : `The governor may change the targets of ${count} ${count === 1 ? 'deployment' : 'deployments'} again, at its next look.`,
    'Restoring and waking go on as usual.',
  ];
}
