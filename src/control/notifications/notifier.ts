/**
 * The seam between what is to be told and who carries it: one message, one attempt, and what the receiver said. A driver
 * escapes what it is given for its own medium, keeps to that medium's limits, and never throws: what goes wrong is an
 * outcome. Addresses and secrets are no part of what it says.
 */
import type { ChannelSpecification } from '../../config/notifications-specification.ts';
import type { Outcome } from '../../core/notifications/channel.ts';
import type { NotificationEvent, Severity } from '../../core/notifications/event.ts';

/** Plain: nothing in it means anything. Markup: an operator's template, whose values were escaped by the driver. */
export type Words =
  | { readonly kind: 'plain'; readonly text: string }
  | { readonly kind: 'markup'; readonly text: string };

export interface Content {
  readonly title: Words;
  readonly text: Words;
  readonly severity: Severity;
  readonly state: NotificationEvent['state'];
  readonly platform: string;
  readonly channel: string;
  readonly deployment?: string | undefined;
  readonly kind: string;
  /** The first few of what it tells of, in order. */
  readonly events: readonly NotificationEvent[];
  /** How many more it tells of. */
  readonly more: number;
  readonly leftOut: Readonly<Record<string, number>>;
  /** The same at every attempt, so that whoever gets it twice can know. */
  readonly id: string;
  /** Unix milliseconds. */
  readonly at: number;
}

export type Delivered = Outcome & {
  /** What the receiver said, in a line: `it answered 200 ok`. */
  readonly said: string;
};

export interface Notifier {
  /** A value on its way into an operator's template. */
  readonly escape: (value: string) => string;
  send(content: Content, signal: AbortSignal): Promise<Delivered>;
}

/** `where`: of the setting, for messages. Secrets are read at each call: SECRET_UNUSABLE. */
export type OpenNotifier = (settings: ChannelSpecification, where: string) => Promise<Notifier>;
