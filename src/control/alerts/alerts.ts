/**
 * Alerts, put together: a notification is admitted at the door, read, noted in the book, and what playbooks have to do
 * about it is written with it in one transaction; then it is done. One notification after another.
 *
 *   webhook ─▶ door ─▶ payload ─▶ book ─▶ edges ─▶ records ══ written ══▶ governor (steps), performer (modes, notices)
 */
import { createHash } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import type { AlertsSettings, WebhookSettings } from '../../config/alerts-specification.ts';
import { noteAlerts, type Change } from '../../core/alerts/book.ts';
import { dueEdges, edgesOf, react, type Edge, type Reacted } from '../../core/alerts/edges.ts';
import { cutAlert } from '../../core/alerts/words.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { publish } from '../../telemetry/events.ts';
import { parsePayload, type AlertGroup } from '../../telemetry/alerts/payload.ts';
import type { ControlService } from '../control-service.ts';
import type { Deployments } from '../deployments.ts';
import type { Modes } from '../governor/modes.ts';
import type { Entered, Door } from './door.ts';
import type { Performer } from './performer.ts';
import { actionsOf, heldBack, withActions, type Circumstances } from './reactions.ts';
import type { ActionRecord, AlertState, AlertStore } from './state.ts';
import { actionView, alertView, noteOf, noteOfAction } from './words.ts';

export interface AlertsPart extends AsyncDisposable {
  readonly service: Pick<ControlService, 'admitAlerts' | 'receiveAlerts' | 'alerts'>;
  /** What an operator should know: a secret that cannot be read. */
  warnings(): readonly string[];
  /** Goes on with what the control before had begun. */
  start(): void;
}

interface Parts {
  readonly store: AlertStore;
  readonly door: Door;
  readonly performer: Performer;
  readonly deployments: Deployments;
  readonly modes: Modes;
  readonly clock: Clock;
}

/** Notifications that are being taken at once; one more has to come again. */
const takingMax = 32;
/** 132 bits. */
const digestLength = 22;

export function openAlerts({ store, door, performer, deployments, modes, clock }: Parts): AlertsPart {
  const troubles = new Map<string, string>();
  let taking = 0;
  let stopped = false;
  let cancelDue = (): void => {};

  function circumstances(at: number): Circumstances {
    return {
      at,
      waiting: performer.waiting,
      scaled(name) {
        const deployment = deployments.find(name);
        if (deployment === undefined || deployment.removing) return undefined;
        const { record, wakefulness } = deployment;
        const { min, max } = record.specification.replicas;
        const { mode } = modes.of(deployment);
        const halted = modes.halt(name) !== undefined;
        return { desired: record.desired, min, max, asleep: wakefulness.kind === 'asleep', halted, mode };
      },
    };
  }

  /** The state with what playbooks make of these edges; `made` are the records that are new. */
  function reactTo(before: AlertState, edges: readonly Edge[], settings: AlertsSettings, at: number) {
    const { playbooks } = settings;
    const reacted: Reacted = react(known(before, settings), edges, (name) => playbooks[name]?.holdMs ?? 0, at);
    const seen = circumstances(at);
    const drafts = [
      ...reacted.act.flatMap((edge) => {
        const playbook = playbooks[edge.playbook];
        return playbook === undefined ? [] : actionsOf(edge, playbook, seen);
      }),
      ...reacted.held.flatMap(({ edge, why }) => {
        const playbook = playbooks[edge.playbook];
        return playbook?.[edge.on] === undefined ? [] : [heldBack(edge, why, playbook, at)];
      }),
    ];
    const actions = before.actions.map((action) =>
      isForgotten(action, settings) ? { ...action, over: true } : action,
    );
    const next = withActions({ ...before, actions, reactions: reacted.reactions }, drafts);
    const made = next.actions.filter(({ id }) => id >= before.nextId);
    return { next, made };
  }

  function tell(made: readonly ActionRecord[]): void {
    for (const { playbook, kind: action, state: outcome } of made) {
      if (outcome !== 'pending') publish('flyball:playbook', { playbook, action, outcome });
    }
    performer.perform();
    scheduleDue();
  }

  /** One that waits to begin again does so when it may, if its alerts still fire. */
  function scheduleDue(): void {
    cancelDue();
    const settings = deployments.alerts();
    if (settings === undefined || stopped) return;
    const { againMs } = due(store.now, settings);
    if (againMs !== undefined) cancelDue = clock.after(againMs, () => void beginDue());
  }

  const due = (state: AlertState, settings: AlertsSettings) =>
    dueEdges(
      state.reactions,
      settings.playbooks,
      state.book,
      (name) => settings.playbooks[name]?.holdMs ?? 0,
      clock.wall(),
      settings.silentMs,
    );

  async function beginDue(): Promise<void> {
    try {
      const made = await store.change((before) => {
        const settings = deployments.alerts();
        const { edges } = settings === undefined ? { edges: [] } : due(before, settings);
        if (settings === undefined || edges.length === 0) return { next: before, result: [] };
        const { next, made } = reactTo(before, edges, settings, clock.wall());
        return { next, notes: made.map(noteOfAction), result: made };
      });
      tell(made);
    } catch (error) {
      const { message } = toFlyballError(error);
      publish('flyball:fault', { where: 'a playbook that waited', message, error });
    }
  }

  async function take(group: AlertGroup, digest: string, entered: Entered, settings: AlertsSettings) {
    const { source: sender, orgId } = group;
    // Two organisations of one Grafana have alerts of the same labels.
    const source = orgId === undefined || orgId === 1 ? sender : `${sender}/${orgId}`;
    const release = entered.take();
    try {
      return await store.change((before) => {
        const at = clock.wall();
        const noted = noteAlerts(before.book, source, group.alerts.map(cutAlert), at, settings.keptMax);
        // What only comes late was never taken before; a repeat of what still stands changes nothing, but is none.
        const isOld = noted.changes.length > 0 && noted.changes.every(({ change }) => change === 'outdated');
        if (isOld && before.taken.includes(digest)) {
          throw new FlyballError(
            'WEBHOOK_REPLAYED',
            'it was taken before, and of every alert in it something later is known',
          );
        }
        const edges = edgesOf(settings.playbooks, before.book, noted, at, settings.silentMs);
        const note = noteOf(group, noted);
        const taken = note === undefined ? before.taken : [...before.taken.filter((one) => one !== digest), digest];
        const { next, made } = reactTo({ ...before, book: noted.book, taken }, edges, settings, at);
        const notes = [...(note === undefined ? [] : [note]), ...made.map(noteOfAction)];
        const count = (wanted: Change): number => noted.changes.filter(({ change }) => change === wanted).length;
        const counts = {
          fired: count('fired'),
          resolved: count('resolved'),
          repeated: count('repeated'),
          outdated: count('outdated'),
          truncated: group.truncated,
        };
        return { next, notes, result: { counts, made } };
      });
    } catch (error) {
      release();
      throw error;
    }
  }

  async function admit<Admitted>(sender: string, ask: (own: WebhookSettings) => Promise<Admitted>) {
    const settings = deployments.alerts();
    const own = isSender(sender) ? settings?.webhooks[sender] : undefined;
    if (settings === undefined || own === undefined) {
      throw new FlyballError(
        'NOT_FOUND',
        `no webhook ${sender} is taken: the specification has no alerts.webhooks.${sender}`,
      );
    }
    try {
      const admitted = await ask(own);
      troubles.delete(sender);
      return { settings, admitted };
    } catch (error) {
      const { code, message } = toFlyballError(error);
      if (code === 'SECRET_UNUSABLE') troubles.set(sender, message);
      throw error;
    }
  }

  return {
    service: {
      async admitAlerts(sender, headers) {
        await admit(sender, (own) => door.knock(sender, own, headers));
      },
      async receiveAlerts(sender, headers, body) {
        if (taking >= takingMax) {
          const words = `${taking} notifications are being taken, expected fewer at once`;
          throw new FlyballError('CONTROL_UNAVAILABLE', words, { retryAfterSeconds: 1 });
        }
        taking += 1;
        try {
          const { settings, admitted } = await admit(sender, (own) => door.enter(sender, own, headers, body));
          const group = read(sender, body);
          const digest = createHash('sha256').update(body).digest('base64url').slice(0, digestLength);
          const { counts, made } = await take(group, digest, admitted, settings);
          tell(made);
          return { ...counts, actions: made.map(actionView) };
        } finally {
          taking -= 1;
        }
      },
      async alerts({ state, limit, skip = 0 }) {
        const { book, actions } = store.now;
        const silentMs = deployments.alerts()?.silentMs ?? Number.POSITIVE_INFINITY;
        const views = [...book.values()].map((alert) => alertView(alert, clock.wall(), silentMs));
        const order = ['firing', 'silent', 'resolved'];
        return {
          alerts: views
            .filter((view) => state === undefined || view.state === state)
            .toSorted(
              (left, right) => order.indexOf(left.state) - order.indexOf(right.state) || right.startsAt - left.startsAt,
            )
            .slice(skip, skip + limit),
          actions: actions
            .toReversed()
            .slice(skip, skip + limit)
            .map(actionView),
        };
      },
    },
    warnings: () => [...troubles.values()],
    start() {
      performer.perform();
      scheduleDue();
    },
    async [Symbol.asyncDispose]() {
      stopped = true;
      cancelDue();
      await performer[Symbol.asyncDispose]();
    },
  };
}

const isSender = (sender: string): sender is 'grafana' | 'alertmanager' =>
  sender === 'grafana' || sender === 'alertmanager';

/** A step of a playbook that is no longer there is held by nobody. */
const isForgotten = (action: ActionRecord, { playbooks }: AlertsSettings): boolean =>
  action.kind === 'scale' && !action.over && !Object.hasOwn(playbooks, action.playbook);

/** Of playbooks that are no longer there nothing is remembered. */
function known({ reactions }: AlertState, { playbooks }: AlertsSettings): AlertState['reactions'] {
  return Object.fromEntries(Object.entries(reactions).filter(([name]) => Object.hasOwn(playbooks, name)));
}

/** INVALID_JSON, INVALID_REQUEST. */
function read(sender: string, body: Buffer): AlertGroup {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch (error) {
    throw new FlyballError('INVALID_JSON', `expected a notification as JSON: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const parsed = parsePayload(value);
  if (parsed.kind === 'refused') throw new FlyballError('INVALID_REQUEST', parsed.reason);
  if (parsed.group.source === sender) return parsed.group;
  throw new FlyballError('INVALID_REQUEST', `expected a notification of ${sender}, got one of ${parsed.group.source}`);
}
