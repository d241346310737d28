/**
 * Carries out what playbooks have to do besides scaling: modes are set, somebody is told. What was under way when control
 * ended is done again by the next: a mode is set twice without harm, and a notification may come twice but never not at all
 * for that reason. Steps are the governor's.
 */
import type { Clock } from '../../clock.ts';
import type { AlertsSettings } from '../../config/alerts-specification.ts';
import type { AlertBook } from '../../core/alerts/book.ts';
import { fits } from '../../core/alerts/interest.ts';
import { nameOf } from '../../core/alerts/words.ts';
import type { NotificationEvent } from '../../core/notifications/event.ts';
import { toFlyballError } from '../../errors.ts';
import type { Journal } from '../../journal/open-journal.ts';
import { publish } from '../../telemetry/events.ts';
import type { ControlService } from '../control-service.ts';
import type { Notifications } from '../notifications/notifications.ts';
import { notify } from './notify.ts';
import type { ActionRecord, AlertStore } from './state.ts';
import { becauseOf } from './steps.ts';
import { actionWords, noteOfAction } from './words.ts';

export interface Performer extends AsyncDisposable {
  /** Begins whatever is pending and not under way. */
  perform(): void;
  /** Notifications that are under way. */
  readonly waiting: number;
  /** Whatever has begun has ended. */
  idle(): Promise<void>;
}

interface Parts {
  readonly store: AlertStore;
  readonly settings: () => AlertsSettings | undefined;
  readonly setMode: ControlService['setMode'];
  readonly journal: Journal;
  readonly clock: Clock;
  readonly platform: string;
  /** Gives an event to a channel of `notifications`. */
  readonly tellChannel: Notifications['tell'];
}

/** Alerts that one notification tells of. */
const toldMax = 20;
/** Notifications that are on their way at once; the others wait their turn. */
const sendingMax = 8;

interface Outcome {
  readonly state: 'done' | 'failed' | 'refused';
  readonly why: string;
}

export function openPerformer({ store, settings, setMode, journal, clock, platform, tellChannel }: Parts): Performer {
  const running = new Map<number, Promise<void>>();
  const stopping = new AbortController();
  /** What came of them could not be written: done again by the next control, and not at once for ever. */
  const unwritten = new Set<number>();

  async function carryOut(action: ActionRecord): Promise<Outcome | undefined> {
    const { playbook, on } = action;
    const own = settings()?.playbooks[playbook];
    const by = `playbook ${playbook}`;
    if (own === undefined) return { state: 'refused', why: 'there is no such playbook any more' };
    if (action.kind === 'mode') {
      const reason = `${becauseOf(action)}${own.reason === undefined ? '' : `: ${own.reason}`}`;
      try {
        await setMode(action.deployment, { mode: action.mode, by, reason });
      } catch (error) {
        return { state: 'failed', why: toFlyballError(error).message };
      }
      return { state: 'done', why: `the mode is ${action.mode}` };
    }
    const target = own[on]?.notify;
    if (action.kind !== 'notify' || target === undefined)
      return { state: 'refused', why: 'it is not to be told any more' };
    if (target.channel !== undefined) {
      try {
        await tellChannel(target.channel, eventOf(action, store.now.actions));
      } catch (error) {
        return { state: 'failed', why: toFlyballError(error).message };
      }
      return { state: 'done', why: 'the channel has it' };
    }
    const body = bodyOf(action, own, store.now.book, store.now.actions, platform);
    const told = await notify(target, `alerts.playbooks.${playbook}.${on}.notify`, body, clock, stopping.signal);
    // The next control goes on with it.
    if (stopping.signal.aborted) return undefined;
    return { state: told.kind === 'sent' ? 'done' : 'failed', why: told.why };
  }

  async function run(action: ActionRecord): Promise<void> {
    const outcome = await carryOut(action);
    if (outcome === undefined) return;
    const ended: ActionRecord = { ...action, ...outcome };
    await store.change((before) => ({
      next: { ...before, actions: before.actions.map((one) => (one.id === action.id ? ended : one)) },
      notes: [noteOfAction(ended)],
      result: undefined,
    }));
    publish('flyball:playbook', { playbook: action.playbook, action: action.kind, outcome: outcome.state });
  }

  function perform(): void {
    for (const action of store.now.actions) {
      const isOurs = action.kind === 'mode' || action.kind === 'notify';
      if (!isOurs || action.state !== 'pending' || running.has(action.id)) continue;
      if (unwritten.has(action.id) || stopping.signal.aborted) continue;
      if (running.size >= sendingMax) return;
      const work = run(action)
        .catch((error: unknown) => {
          unwritten.add(action.id);
          const { message } = toFlyballError(error);
          publish('flyball:fault', { where: `playbook ${action.playbook}`, message, error });
          journal.note({ ...noteOfAction(action), action: `${actionWords(action)}: failed`, reason: message });
        })
        .finally(() => {
          running.delete(action.id);
          perform();
        });
      running.set(action.id, work);
    }
  }

  return {
    perform,
    get waiting() {
      return store.now.actions.filter(({ kind, state }) => kind === 'notify' && state === 'pending').length;
    },
    async idle() {
      while (running.size > 0) await Promise.all(running.values());
    },
    async [Symbol.asyncDispose]() {
      stopping.abort();
      await Promise.all(running.values());
    },
  };
}

/** The same for a channel, in its words. What lasts is the alert; the playbook only tells of it. */
function eventOf(action: ActionRecord, actions: readonly ActionRecord[]): NotificationEvent {
  const { at, playbook, deployment } = action;
  const beside = actions.filter((one) => one.at === at && one.playbook === playbook && one.id !== action.id);
  const done = beside.map((one) => `${actionWords(one)}: ${one.state}${one.why === '' ? '' : `, ${one.why}`}`);
  return {
    entry: 0,
    at,
    kind: 'playbook',
    severity: 'warning',
    ...(deployment === undefined ? {} : { deployment }),
    key: `notify ${playbook}`,
    state: 'once',
    title: `${playbook}: ${becauseOf(action)}`,
    text: done.join('; '),
    by: `playbook ${playbook}`,
  };
}

function bodyOf(
  action: ActionRecord,
  playbook: AlertsSettings['playbooks'][string],
  book: AlertBook,
  actions: readonly ActionRecord[],
  platform: string,
) {
  const { at, on, deployment } = action;
  const alerts = [...book.values()]
    .filter((alert) => fits(playbook, alert) && action.alerts.includes(nameOf(alert)))
    .slice(0, toldMax);
  const together = actions.filter((one) => one.at === at && one.playbook === action.playbook && one.id !== action.id);
  return {
    platform,
    at,
    playbook: action.playbook,
    on,
    ...(deployment === undefined ? {} : { deployment }),
    text: `${action.playbook}: ${becauseOf(action)}`,
    alerts,
    actions: together.map((one) => ({ action: actionWords(one), state: one.state, why: one.why })),
  };
}
