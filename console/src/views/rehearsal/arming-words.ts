/** What arming would do, in sentences, before anybody does it. Pure. */
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import type { Rehearsal } from './kinds.ts';

export function armingEffects(
  { id, deployment, min, max, arming }: Pick<Rehearsal, 'id' | 'deployment' | 'min' | 'max' | 'arming'>,
  now: DeploymentView | undefined,
  isHalted: boolean,
): readonly string[] {
  const { mode, kind, policy } = arming;
  const rests = kind !== 'unfit';
  const change =
    mode === 'auto'
      ? `${deployment} is in auto already; from now on that rests on ${rests ? `rehearsal ${id}` : 'your reason'}.`
      : `${deployment} goes from ${mode ?? 'advise'} to auto: the governor changes its target by itself, without asking.`;
  const held = now === undefined ? '' : ` It has ${now.counts.ready} ready now.`;
  return [
    change,
    `It is governed by ${policy ?? 'its policy'}, within ${min} to ${max} replicas.${held}`,
    ...(mode === 'approve' ? ['Changes of it that wait for approval are withdrawn.'] : []),
    ...(isHalted ? ['The governor is stopped: nothing changes before it is released.'] : []),
    rests
      ? `The journal keeps what the rehearsal showed, and by which decision code${kind === 'doubtful' ? ', with your reason' : ''}.`
      : 'The journal keeps your reason alone: this rehearsal is no ground for it.',
    'Stop ends it at once, at any time.',
  ];
}
