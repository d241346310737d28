/** The API's shapes for notifications: what each channel holds, and what its receiver said to a test. */
import * as z from 'zod';
import { by } from './schemas.ts';

const channelView = z.object({
  name: z.string(),
  kind: z.enum(['slack', 'discord', 'teams', 'email', 'webhook']),
  to: z.string().describe('Host of its receiver; nothing else of the address, which may be a secret.'),
  state: z
    .enum(['idle', 'waiting', 'failing'])
    .describe('`waiting`: for its group, or for a place in the minute; `failing`: the last attempt failed.'),
  waiting: z.int().describe('Events that are not told yet.'),
  sent: z.int().describe('Messages.'),
  told: z.int().describe('Events in them.'),
  quiet: z.int().describe('Events that were told a short time before, and not again.'),
  leftOut: z.int().describe('Events that found no place; only their number was told, or is with the next message.'),
  undelivered: z.int().describe('Events whose message was refused, or given up after `giveUpMs`.'),
  lastSentAt: z.int().optional().describe('Since control started.'),
  attempts: z.int().optional().describe('At the message that is not through yet.'),
  nextTryAt: z.int().optional(),
  said: z.string().optional().describe('By the receiver at the last attempt, or why none could be made.'),
});

export const notificationsView = z.object({
  channels: z.array(channelView),
  cursor: z.int().optional().describe('The journal was read up to this entry.'),
});

export const notificationTest = z.object({
  outcome: z.enum(['sent', 'failed']),
  said: z.string().describe('By the receiver, or why nothing could be sent.'),
  tookMs: z.int(),
});

export const notificationTestRequest = z.strictObject({ by });

export type ChannelView = z.infer<typeof channelView>;
export type NotificationsView = z.infer<typeof notificationsView>;
export type NotificationTest = z.infer<typeof notificationTest>;
