/**
 * What people may be told of: one event of one kind, with how much it matters. What lasts begins and ends under one key;
 * what just happens is told once.
 */

export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** How much each kind matters, unless an event says otherwise, and what it is; in the order of the documents. */
export const eventKinds = {
  halt: { severity: 'critical', about: 'Changes are stopped by a person; ends with the release.' },
  'slo-burn': {
    severity: 'critical',
    about: 'A deployment uses up its error budget too fast; ends when it no longer does.',
  },
  'crash-loop': {
    severity: 'critical',
    about: 'Three replicas of a deployment failed within ten minutes; ends after ten minutes without.',
  },
  'version-rejected': {
    severity: 'critical',
    about: 'A new version was taken back, because its replicas ended.',
  },
  approval: { severity: 'warning', about: 'A change waits for a person; ends when it is decided or has expired.' },
  'change-failed': {
    severity: 'warning',
    about: 'A change did not help, did harm, or its replicas never came; ends with the next one that helps.',
  },
  'policy-failed': {
    severity: 'warning',
    about: 'A scaling policy gave no sound answer, and its stand-in decides; ends with its next sound one.',
  },
  alert: { severity: 'warning', about: 'An alert came by webhook; ends when it is resolved.' },
  'sink-dropping': {
    severity: 'warning',
    about: 'Telemetry is lost on its way to a sink; ends after five minutes without a loss.',
  },
  'mode-changed': { severity: 'warning', about: 'Somebody else may move a target from now on.' },
  'operation-failed': { severity: 'warning', about: 'Something that was asked for could not be done.' },
  'journal-gap': { severity: 'warning', about: 'Entries of the journal are missing, and so are messages about them.' },
  playbook: {
    severity: 'info',
    about: 'What a playbook did; `warning` where it names the channel, or could not do it.',
  },
  'replica-failed': { severity: 'info', about: 'One replica failed.' },
  scaled: { severity: 'info', about: 'A target was changed.' },
  change: { severity: 'info', about: 'A person or a service asked for something else.' },
} as const satisfies Readonly<Record<string, { readonly severity: Severity; readonly about: string }>>;

export type EventKind = keyof typeof eventKinds;
export const eventKindNames = Object.keys(eventKinds) as [EventKind, ...EventKind[]];

export interface NotificationEvent {
  /** The journal's entry that it comes from; 0 where there is none. */
  readonly entry: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly kind: EventKind;
  readonly severity: Severity;
  readonly deployment?: string;
  /** Of that which begins and ends, or comes again. */
  readonly key: string;
  readonly state: 'began' | 'ended' | 'once';
  /** One line. What others have written in it is still as they wrote it: whoever shows it escapes. */
  readonly title: string;
  readonly text: string;
  readonly by: string;
}

export const rankOf = (severity: Severity): number => severities.indexOf(severity);

/** Which events a channel is told of. */
export interface Interest {
  readonly events?: readonly EventKind[] | undefined;
  readonly severityMin: Severity;
  /** Only of these; what is of no deployment is told too. */
  readonly deployments?: readonly string[] | undefined;
}

export function isWanted({ events, severityMin, deployments }: Interest, event: NotificationEvent): boolean {
  if (rankOf(event.severity) < rankOf(severityMin)) return false;
  if (events !== undefined && !events.includes(event.kind)) return false;
  return deployments === undefined || event.deployment === undefined || deployments.includes(event.deployment);
}
