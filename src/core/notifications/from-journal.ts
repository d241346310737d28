/**
 * What an entry of the journal means to people: no event, one, or (of alerts that came together) several. Pure; what has
 * to be remembered from entry to entry (failures that make a loop, policies that failed) is handed in and out.
 */
import { eventKinds, type EventKind, type NotificationEvent, type Severity } from './event.ts';
import { cut } from './text.ts';

/** As much of a journal entry as is read here. */
export interface Entry {
  readonly id: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly kind: string;
  readonly action: string;
  readonly subject: string;
  readonly by: string;
  readonly reason: string;
  readonly details?: unknown;
}

/** Plain JSON. */
export interface Watch {
  /** By deployment: when its replicas failed lately, Unix milliseconds, oldest first. */
  readonly failures: Readonly<Record<string, readonly number[]>>;
  /** Deployments that are in a loop of failures. */
  readonly looping: readonly string[];
  /** Deployments whose policy gave no sound answer at their last decision. */
  readonly unsound: readonly string[];
}

export const nothingSeen: Watch = { failures: {}, looping: [], unsound: [] };

/** So many failures in this time are a loop, and it is over after as long without one. */
export const loopFailures = 3;
export const loopMs = 600_000;
/** Deployments whose failures are remembered; of more, those that failed longest ago are forgotten. */
const watchedMax = 1000;

export interface Read {
  readonly watch: Watch;
  readonly events: readonly NotificationEvent[];
}

const titleMax = 300;
const textMax = 1000;

type Draft = Pick<NotificationEvent, 'title'> & Partial<Pick<NotificationEvent, 'state' | 'severity' | 'text' | 'key'>>;

function eventOf(entry: Entry, kind: EventKind, draft: Draft, deployment?: string): NotificationEvent {
  const severity: Severity = eventKinds[kind].severity;
  const { id, at, by } = entry;
  const key = `${kind} ${deployment ?? entry.subject}`;
  const of = deployment === undefined ? {} : { deployment };
  const made = { entry: id, at, kind, severity, ...of, key, state: 'once', text: entry.reason, by, ...draft } as const;
  // It is kept until it is told: a runtime's last words can be pages.
  return { ...made, title: cut(made.title, titleMax), text: cut(made.text, textMax), by: cut(by, titleMax) };
}

export function readEntry(watch: Watch, entry: Entry): Read {
  const { kind, action, subject, by } = entry;
  const one = (event: EventKind, draft: Draft, deployment?: string): Read => ({
    watch,
    events: [eventOf(entry, event, draft, deployment)],
  });
  const none: Read = { watch, events: [] };
  switch (kind) {
    case 'halt': {
      const of = subject === 'platform' ? undefined : subject;
      const what = of ?? 'The platform';
      const isEnd = action === 'release';
      const title = isEnd ? `${what} is released by ${by}` : `${what} is halted by ${by}`;
      return one('halt', { title, state: isEnd ? 'ended' : 'began' }, of);
    }
    case 'approval':
      if (action.includes('→')) return one('scaled', { title: `${subject}: ${action} replicas, approved` }, subject);
      return action === 'ask'
        ? one('approval', { title: `${subject}: ${wishOf(entry)} waits for approval`, state: 'began' }, subject)
        : one('approval', { title: `${subject}: ${endings[action] ?? action} by ${by}`, state: 'ended' }, subject);
    case 'mode':
      return one('mode-changed', { title: `${subject}: the mode is ${action}, set by ${by}` }, subject);
    case 'decision':
      return decisionOf(watch, entry);
    case 'replica':
      return replicaOf(watch, entry);
    case 'alert':
      return { watch, events: alertsOf(entry) };
    case 'upkeep':
      if (!/^serve .* again$/.test(action)) return none;
      return one('version-rejected', { title: `${subject}: ${action}, the new version was taken back` }, subject);
    case 'change':
      if (!action.endsWith(' ended')) return one('change', { title: `${subject}: ${action} by ${by}` }, subject);
      if (!entry.reason.startsWith('failed')) return none;
      return one('operation-failed', { title: `${subject}: ${action.slice(0, -' ended'.length)} failed` }, subject);
    case 'condition':
      return { watch, events: conditionOf(entry) };
    case 'journal':
      return action === 'gap' ? one('journal-gap', { title: 'Entries of the journal are missing' }) : none;
    default:
      return none;
  }
}

/** Time passes: loops that are over. */
export function passTime(watch: Watch, at: number): Read {
  const over = watch.looping.filter((name) => (watch.failures[name]?.at(-1) ?? 0) + loopMs <= at);
  if (over.length === 0) return { watch, events: [] };
  const failures = Object.fromEntries(Object.entries(watch.failures).filter(([name]) => !over.includes(name)));
  const looping = watch.looping.filter((name) => !over.includes(name));
  const events = over.map((name) => {
    const entry = { id: 0, at, kind: 'replica', action: 'quiet', subject: name, by: 'upkeep' };
    const reason = `no replica has failed for ${loopMs / 60_000} minutes`;
    return eventOf(
      { ...entry, reason },
      'crash-loop',
      { title: `${name}: replicas no longer fail`, state: 'ended' },
      name,
    );
  });
  return { watch: { ...watch, failures, looping }, events };
}

const endings: Readonly<Record<string, string>> = {
  approve: 'approved',
  reject: 'rejected',
  expire: 'expired, not decided',
  withdraw: 'withdrawn',
};

function wishOf({ details }: Entry): string {
  const { from, to } = fieldsOf(details);
  return typeof from === 'number' && typeof to === 'number' ? `${from} → ${to} replicas` : 'a change';
}

const verdicts: Readonly<Record<string, string>> = {
  'no help': 'a change did not help',
  harmed: 'a change did harm',
  'not ready': 'its replicas never came',
};

function decisionOf(before: Watch, entry: Entry): Read {
  const { action, subject } = entry;
  const verdict = verdicts[action];
  if (verdict !== undefined) {
    const title = `${subject}: ${verdict}`;
    return { watch: before, events: [eventOf(entry, 'change-failed', { title, state: 'began' }, subject)] };
  }
  if (action === 'helped') {
    const title = `${subject}: the last change helped`;
    return { watch: before, events: [eventOf(entry, 'change-failed', { title, state: 'ended' }, subject)] };
  }
  const events: NotificationEvent[] = [];
  const { decision, done } = fieldsOf(entry.details);
  const { unsound } = fieldsOf(decision);
  let watch = before;
  if (Array.isArray(unsound)) {
    const was = before.unsound.includes(subject);
    const words = unsound.map(String).join('; ');
    if (unsound.length > 0 && !was) {
      const title = `${subject}: its scaling policy gives no sound answer`;
      events.push(eventOf(entry, 'policy-failed', { title, text: words, state: 'began' }, subject));
      watch = { ...before, unsound: [...before.unsound, subject].slice(-watchedMax) };
    } else if (unsound.length === 0 && was) {
      const title = `${subject}: its scaling policy answers again`;
      events.push(eventOf(entry, 'policy-failed', { title, state: 'ended' }, subject));
      watch = { ...before, unsound: before.unsound.filter((name) => name !== subject) };
    }
  }
  if (fieldsOf(done)['kind'] === 'moved' && action.includes('→')) {
    events.push(eventOf(entry, 'scaled', { title: `${subject}: ${action} replicas` }, subject));
  }
  return { watch, events };
}

function replicaOf(before: Watch, entry: Entry): Read {
  const { action, subject, at } = entry;
  if (action !== 'failed') return { watch: before, events: [] };
  const { replica } = fieldsOf(entry.details);
  const own = typeof replica === 'string' ? { key: `replica-failed ${replica}` } : {};
  const events = [eventOf(entry, 'replica-failed', { title: `${subject}: a replica failed`, ...own }, subject)];
  const recent = [...(before.failures[subject] ?? []).filter((time) => time > at - loopMs), at].slice(-loopFailures);
  const { [subject]: _, ...others } = before.failures;
  const failures = Object.fromEntries([...Object.entries(others), [subject, recent] as const].slice(-watchedMax));
  const loops = before.looping.includes(subject);
  if (loops || recent.length < loopFailures) return { watch: { ...before, failures }, events };
  const title = `${subject}: ${recent.length} replicas failed within ${loopMs / 60_000} minutes`;
  events.push(eventOf(entry, 'crash-loop', { title, state: 'began' }, subject));
  return { watch: { ...before, failures, looping: [...before.looping, subject] }, events };
}

/** What another platform's webhook channel calls an alert that it tells of. */
const relayed = 'flyball-alert';

function alertsOf(entry: Entry): readonly NotificationEvent[] {
  const { action, by, subject } = entry;
  if (by.startsWith('playbook ')) {
    const of = subject === 'alerts' ? undefined : subject;
    // What it tells a channel of by name is in that message already.
    const severity = action.endsWith(': failed') ? 'warning' : 'info';
    return [eventOf(entry, 'playbook', { title: `${by}: ${action}`, severity, key: `playbook ${by}` }, of)];
  }
  const { alerts } = fieldsOf(entry.details);
  if (!Array.isArray(alerts)) return [];
  return alerts.flatMap((alert: unknown) => {
    const { change, fingerprint, labels } = fieldsOf(alert);
    const { alertname, deployment } = fieldsOf(labels);
    // Two platforms that tell each other would tell each other of that for ever.
    if (alertname === relayed) return [];
    const name = typeof alertname === 'string' ? alertname : String(fingerprint);
    const isEnd = change === 'resolved';
    const title = `Alert ${name} ${isEnd ? 'is resolved' : 'fires'}`;
    const key = `alert ${by} ${String(fingerprint)}`;
    const of = typeof deployment === 'string' ? deployment : undefined;
    return [eventOf(entry, 'alert', { title, key, state: isEnd ? 'ended' : 'began' }, of)];
  });
}

/** What control itself watches: it says which kind, and whether it began or ended. */
function conditionOf(entry: Entry): readonly NotificationEvent[] {
  const { of, deployment } = fieldsOf(entry.details);
  if (of !== 'slo-burn' && of !== 'sink-dropping') return [];
  const state = entry.action === 'ended' ? 'ended' : 'began';
  const title = `${entry.subject}: ${conditionWords[of][state]}`;
  const key = `${of} ${entry.subject}`;
  return [eventOf(entry, of, { title, key, state }, typeof deployment === 'string' ? deployment : undefined)];
}

const conditionWords = {
  'slo-burn': { began: 'the error budget burns', ended: 'the error budget burns no more' },
  'sink-dropping': { began: 'telemetry is lost on its way', ended: 'telemetry is lost no more' },
} as const;

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
