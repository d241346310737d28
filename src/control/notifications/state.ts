/**
 * What notifications must not forget: how far the journal was read, what is watched from entry to entry, and what every
 * channel holds. One value in the store, written before anything is sent, so that after a kill the next control goes on
 * from what this one knew.
 */
import type { ChannelState } from '../../core/notifications/channel.ts';
import { nothingSeen, type Watch } from '../../core/notifications/from-journal.ts';
import type { Store } from '../../store/store.ts';

export interface NotificationState {
  /** The last entry of the journal that was read; absent while there is no channel. */
  readonly cursor?: number;
  readonly watch: Watch;
  readonly channels: Readonly<Record<string, ChannelState>>;
}

const key = 'notifications.state';
export const emptyState: NotificationState = { watch: nothingSeen, channels: {} };

export async function readState(store: Store): Promise<NotificationState> {
  const text = await store.meta(key);
  return text === undefined ? emptyState : (JSON.parse(text) as NotificationState);
}

export const writeState = (store: Store, state: NotificationState): Promise<void> =>
  store.setMeta(key, JSON.stringify(state));
