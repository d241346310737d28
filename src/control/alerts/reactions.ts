/**
 * What a playbook is to do at an edge, as records before anything is done: pure. A scaling step is refused here where the
 * governor would never look at it; whether it may move anything is the governor's to say.
 */
import type { NotifySettings, PlaybookSettings } from '../../config/alerts-specification.ts';
import type { Mode } from '../../config/specification.ts';
import type { Edge } from '../../core/alerts/edges.ts';
import { stepTo } from '../../core/alerts/step.ts';
import { nameOf } from '../../core/alerts/words.ts';
import type { ActionRecord, AlertState } from './state.ts';

/** A deployment as far as a playbook has to know it. */
export interface Scaled {
  readonly desired: number;
  readonly min: number;
  readonly max: number;
  readonly asleep: boolean;
  readonly halted: boolean;
  readonly mode: Mode;
}

export interface Circumstances {
  /** Unix milliseconds. */
  readonly at: number;
  /** Undefined where there is none, or it is being removed. */
  readonly scaled: (deployment: string) => Scaled | undefined;
  /** Notifications that wait to be sent. */
  readonly waiting: number;
}

/** Alerts that a record names. */
const namedMax = 10;
/** Notifications to be sent that wait, over all playbooks; one more is not sent. */
export const waitingMax = 100;

const authority: Readonly<Record<Mode, number>> = { advise: 0, approve: 1, auto: 2 };

type Draft = ActionRecord extends infer One ? (One extends ActionRecord ? Omit<One, 'id'> : never) : never;

export function actionsOf(edge: Edge, playbook: PlaybookSettings, seen: Circumstances): readonly Draft[] {
  const { deployment, holdMs } = playbook;
  const reaction = playbook[edge.on];
  if (reaction === undefined) return [];
  const base = { ...baseOf(edge, seen.at), ...(deployment === undefined ? {} : { deployment }) };
  const drafts: Draft[] = [];
  const { mode, scaleOut = 0, scaleIn = 0, notify } = reaction;
  if (mode !== undefined && deployment !== undefined) {
    drafts.push({ ...base, kind: 'mode', deployment, mode, ...mayChange(seen, deployment, mode) });
  }
  const by = scaleOut - scaleIn;
  if (by !== 0 && deployment !== undefined) {
    const scaled = seen.scaled(deployment);
    const from = scaled?.desired ?? 0;
    const to = scaled === undefined ? 0 : stepTo(from, by, scaled.min, scaled.max);
    const why = whyNotScaled(deployment, scaled, to);
    const step = { kind: 'scale', deployment, from, to, until: seen.at + holdMs, over: why !== undefined } as const;
    const outcome = why === undefined ? ({ state: 'pending', why: '' } as const) : ({ state: 'refused', why } as const);
    drafts.push({ ...base, ...step, ...outcome });
  }
  if (notify !== undefined) {
    const to = receiverOf(notify);
    const outcome =
      seen.waiting >= waitingMax
        ? ({ state: 'refused', why: `${seen.waiting} notifications wait already` } as const)
        : ({ state: 'pending', why: '' } as const);
    drafts.push({ ...base, kind: 'notify', to, ...outcome });
  }
  return drafts;
}

/** An address may carry a secret in its path. */
function receiverOf({ channel, url }: NotifySettings): string {
  if (channel !== undefined) return `channel ${channel}`;
  return url === undefined ? 'an address that is secret' : new URL(url).origin;
}

export function heldBack(edge: Edge, why: string, playbook: PlaybookSettings, at: number): Draft {
  const { deployment } = playbook;
  const state = edge.on === 'firing' ? 'waits' : 'refused';
  return { ...baseOf(edge, at), ...(deployment === undefined ? {} : { deployment }), kind: 'none', state, why };
}

/** The records with their numbers. A playbook holds one step: a new one takes the place of the one before. */
export function withActions(before: AlertState, drafts: readonly Draft[]): AlertState {
  let { nextId } = before;
  const made = drafts.map((draft): ActionRecord => ({ ...draft, id: nextId++ }));
  const stepping = new Set(made.filter((one) => one.kind === 'scale' && !one.over).map(({ playbook }) => playbook));
  const actions = before.actions.map((action) =>
    action.kind === 'scale' && !action.over && stepping.has(action.playbook) ? { ...action, over: true } : action,
  );
  return { ...before, nextId, actions: [...actions, ...made] };
}

function baseOf({ playbook, on, alerts }: Edge, at: number) {
  const names = [...new Set(alerts.map(nameOf))];
  return { at, playbook, on, alerts: names.slice(0, namedMax) };
}

function mayChange({ scaled }: Circumstances, deployment: string, mode: Mode): Pick<ActionRecord, 'state' | 'why'> {
  const now = scaled(deployment);
  if (now === undefined) return { state: 'refused', why: `there is no deployment ${deployment}` };
  // Whoever has said stop is not to find more allowed when he releases it.
  if (now.halted && authority[mode] > authority[now.mode])
    return { state: 'refused', why: 'halted: no mode is raised' };
  return { state: 'pending', why: '' };
}

function whyNotScaled(deployment: string, scaled: Scaled | undefined, to: number): string | undefined {
  if (scaled === undefined) return `there is no deployment ${deployment}`;
  const { min, max, desired, asleep } = scaled;
  if (asleep) return 'it sleeps; the next request wakes it';
  if (max <= Math.max(1, min)) return `its size is fixed: the bounds are ${min} to ${max}`;
  return to === desired ? `${desired} replicas are held, the bounds are ${min} to ${max}` : undefined;
}
