/**
 * The steps of playbooks that are in force, as the governor asks for them: claims with an end. A step is held for its
 * time and as long as its alerts fire; it ends sooner when a person scales the deployment, when its playbook steps again,
 * or when its playbook is no longer there.
 */
import type { Clock } from '../../clock.ts';
import type { AlertsSettings } from '../../config/alerts-specification.ts';
import { fits, isFiring } from '../../core/alerts/interest.ts';
import { readAlerts, toSignal, type AlertReading } from '../../core/alerts/signal.ts';
import { claimOf, isReached } from '../../core/alerts/step.ts';
import type { Claim } from '../../core/scaling/reconcile.ts';
import type { Signal } from '../../core/scaling/signals.ts';
import { publish } from '../../telemetry/events.ts';
import type { Answer, Outside } from '../governor/outside.ts';
import type { ActionRecord, ActionState, AlertState, AlertStore } from './state.ts';

export type StepRecord = ActionRecord & { readonly kind: 'scale' };

export interface Steps extends Outside {
  /** A person has said how many there are to be. */
  overruled(deployment: string, by: string): Promise<void>;
  /** What was told so far is written. */
  settled(): Promise<void>;
}

interface Parts {
  readonly store: AlertStore;
  readonly settings: () => AlertsSettings | undefined;
  readonly clock: Clock;
}

const isStep = (action: ActionRecord): action is StepRecord => action.kind === 'scale';

export function openSteps({ store, settings, clock }: Parts): Steps {
  /** Monotonic, so that a wall clock that jumps ends no step and prolongs none. */
  const untils = new Map<number, number>();
  let state: AlertState | undefined;
  let open: readonly StepRecord[] = [];
  let readings: { readonly of: AlertsSettings; readonly values: ReadonlyMap<string, AlertReading> } | undefined;
  const writing = new Set<Promise<unknown>>();

  /** What follows from the state, once for each that there is. */
  function refresh(): void {
    if (state === store.now) return;
    state = store.now;
    open = state.actions.filter(isStep).filter(({ over }) => !over);
    readings = undefined;
    const ids = new Set(open.map(({ id }) => id));
    for (const id of untils.keys()) if (!ids.has(id)) untils.delete(id);
    for (const { id, at, until } of open) {
      if (untils.has(id)) continue;
      // After a restart it has what is left of it, and never more than its whole time.
      const leftMs = Math.min(until - at, Math.max(0, until - clock.wall()));
      untils.set(id, clock.now() + leftMs);
    }
  }

  function write(id: number, change: (step: StepRecord) => StepRecord): void {
    const written = store
      .change((before) => {
        const actions = before.actions.map((action) => (action.id === id && isStep(action) ? change(action) : action));
        return { next: { ...before, actions }, result: undefined };
      })
      .catch((error: unknown) => {
        const message = error instanceof Error ? error.message : String(error);
        publish('flyball:fault', { where: 'writing what a playbook did', message, error });
      })
      .finally(() => writing.delete(written));
    writing.add(written);
  }

  function isInForce(step: StepRecord): boolean {
    const { id, on, playbook, deployment } = step;
    const wanted = settings();
    const own = wanted?.playbooks[playbook];
    if (wanted === undefined || own?.deployment !== deployment) return false;
    if (clock.now() < (untils.get(id) ?? 0)) return true;
    if (on !== 'firing') return false;
    const wall = clock.wall();
    return [...store.now.book.values()].some((alert) => fits(own, alert) && isFiring(alert, wall, wanted.silentMs));
  }

  function inForce(deployment: string): readonly StepRecord[] {
    refresh();
    if (open.length === 0) return [];
    return open.filter((step) => {
      if (step.deployment !== deployment) return false;
      if (isInForce(step)) return true;
      // At once, and again from the store.
      open = open.filter(({ id }) => id !== step.id);
      write(step.id, (found) => ({ ...found, over: true, ...(found.state === 'pending' && ended) }));
      return false;
    });
  }

  return {
    signals() {
      refresh();
      const wanted = settings();
      if (wanted === undefined) return {};
      if (readings?.of !== wanted) {
        const { book } = store.now;
        const entries = Object.entries(wanted.signals).map(
          ([name, interest]) => [name, readAlerts(interest, book)] as const,
        );
        readings = { of: wanted, values: new Map(entries) };
      }
      const wall = clock.wall();
      const signals: Record<string, Signal> = {};
      for (const [name, reading] of readings.values) signals[name] = toSignal(reading, wall, wanted.silentMs);
      return signals;
    },
    claimsOn: (deployment): readonly Claim[] =>
      inForce(deployment).map((step) => claimOf({ ...step, because: becauseOf(step) })),
    answer(deployment, answer) {
      refresh();
      for (const step of open) {
        if (step.deployment !== deployment || step.state === 'done') continue;
        const { state: became, why } = outcomeOf(step, answer);
        if (became === step.state) continue;
        const { entry } = answer;
        write(step.id, (found) =>
          // What was done stays done, whatever a look says that came before it was written.
          found.state === 'done'
            ? found
            : { ...found, state: became, why, ...(became === 'done' && entry !== undefined && { entry }) },
        );
        publish('flyball:playbook', { playbook: step.playbook, action: 'scale', outcome: became });
      }
    },
    async overruled(deployment, by) {
      refresh();
      for (const { id, deployment: own } of open) {
        if (own !== deployment) continue;
        const why = `${by} has scaled it by hand`;
        write(id, (step) => ({ ...step, over: true, ...(step.state === 'done' ? {} : { state: 'refused', why }) }));
      }
      await Promise.all(writing);
    },
    async settled() {
      await Promise.all(writing);
    },
  };
}

const ended = { state: 'refused', why: 'its time was over before it could be looked at' } as const;

export function becauseOf({ alerts, on }: Pick<ActionRecord, 'alerts' | 'on'>): string {
  const [first = 'an alert', ...others] = alerts;
  const more = others.length === 0 ? '' : ` and ${others.length} more`;
  return `${first}${more} ${on === 'firing' ? (more === '' ? 'fires' : 'fire') : 'resolved'}`;
}

/** What a look has made of a step: of one that the constraints have cut, what they said. */
function outcomeOf(step: StepRecord, answer: Answer): { readonly state: ActionState; readonly why: string } {
  const { done, held, target } = answer;
  const cuts = answer.cuts();
  const why = cuts === '' ? done.why : `${done.why}; ${cuts}`;
  if (done.kind === 'held') {
    if (isReached(step, held)) return { state: 'held', why: `${held} replicas are held already` };
    return { state: 'refused', why };
  }
  // Somebody else's change, of the other way: this step has no part in it.
  if (Math.sign(target - held) !== Math.sign(step.to - step.from)) return { state: 'refused', why };
  if (done.kind !== 'moved') return { state: done.kind, why };
  return { state: 'done', why: `${held} → ${target} replicas${cuts === '' ? '' : `; ${cuts}`}` };
}
