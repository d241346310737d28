/** What a channel holds, as the API and `flyball status` show it. Pure. */
import type { ChannelView } from '../../api/notification-schemas.ts';
import type { ChannelSpecification } from '../../config/notifications-specification.ts';
import { nextAttemptAt, waitingOf, type ChannelState } from '../../core/notifications/channel.ts';

/** What came of the last attempt. */
export interface Heard {
  readonly kind: 'sent' | 'failed';
  readonly said: string;
  /** Unix milliseconds. */
  readonly sentAt?: number;
}

export function receiverOf(own: ChannelSpecification): string {
  if (own.kind === 'email') return `${own.smtp.host}:${own.smtp.port}`;
  return own.url === undefined ? 'an address that is secret' : new URL(own.url).host;
}

export function channelView(
  name: string,
  own: ChannelSpecification,
  state: ChannelState,
  heard: Heard | undefined,
  at: number,
): ChannelView {
  const { counts, inHand } = state;
  const { taken: _, ...shown } = counts;
  const next = nextAttemptAt(state, own, at);
  const waiting = waitingOf(state);
  const said = heard?.said ?? inHand?.why;
  return {
    name,
    kind: own.kind,
    to: receiverOf(own),
    state: inHand?.why !== undefined || heard?.kind === 'failed' ? 'failing' : waiting > 0 ? 'waiting' : 'idle',
    waiting,
    ...shown,
    ...(heard?.sentAt === undefined ? {} : { lastSentAt: heard.sentAt }),
    ...(inHand === undefined ? {} : { attempts: inHand.attempts }),
    ...(next === undefined ? {} : { nextTryAt: next }),
    ...(said === undefined ? {} : { said }),
  };
}

/** A first failure is not worth a warning: the next attempt comes a second later. */
const attemptsMin = 2;

export function warningOf(name: string, { inHand, counts }: ChannelState, heard: Heard | undefined): readonly string[] {
  const channel = `notifications.channels.${name}`;
  if (inHand?.why !== undefined && inHand.attempts >= attemptsMin) {
    return [`${channel} does not get through after ${inHand.attempts} attempts: ${inHand.why}`];
  }
  if (heard?.kind !== 'failed' || inHand !== undefined) return [];
  return [`${channel} did not take a message: ${heard.said}; ${counts.undelivered} events were not told in all`];
}
