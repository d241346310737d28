/**
 * `notifications` of the specification: the channels by which people are told what happened, what each is told of, and in
 * which words. Secrets are never in it: only where they are.
 */
import * as z from 'zod';
import { eventKindNames, severities } from '../core/notifications/event.ts';
import { secretPlace } from './alerts-specification.ts';
import { deploymentName, name } from './names.ts';

const template = (what: string, max: number) => z.string().min(1).max(max).optional().describe(what);

/** What every kind of channel has. */
const shared = {
  events: z
    .array(z.enum(eventKindNames))
    .min(1)
    .optional()
    .describe('Which kinds of events; all without it (docs/notifications.md).'),
  severityMin: z.enum(severities).default('warning').describe('What matters less is not told.'),
  deployments: z
    .array(deploymentName)
    .min(1)
    .optional()
    .describe('Only these; what concerns no deployment is told too. All without it.'),
  resolved: z.boolean().default(true).describe('Whether it is told that something is over, of which was told.'),
  title: template('First line, or subject: text with `{{field}}` in it.', 1000),
  text: template('What follows: text with `{{field}}` in it.', 4000),
  groupMs: z
    .int()
    .min(0)
    .max(3_600_000)
    .default(5000)
    .describe('Events of one deployment and kind that come within this of the first go in one message.'),
  perMinuteMax: z
    .int()
    .min(1)
    .max(60)
    .default(10)
    .describe('Messages in any minute, attempts that failed too; what is left out is counted, and told in the next.'),
  repeatMs: z
    .int()
    .min(0)
    .max(604_800_000)
    .default(3_600_000)
    .describe('The same of the same is not told again within this; then with how often it came.'),
  giveUpMs: z
    .int()
    .min(60_000)
    .max(604_800_000)
    .default(86_400_000)
    .describe('For how long a message is tried again while its receiver does not take it.'),
  timeoutMs: z.int().min(100).max(60_000).default(10_000).describe('Time for one attempt.'),
};

/** Whoever needs a password has `urlFrom`: here it would be in every answer that shows the specification. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

const url = z
  .string()
  .regex(/^https?:\/\/[^\s]+$/, 'expected an http:// or https:// address')
  .max(2000)
  .refine(isAddress, { error: 'expected an http:// or https:// address without user and password' })
  .optional();
const hook = (what: string) => ({
  urlFrom: secretPlace.optional().describe(`${what} It is a secret: whoever has it can post.`),
  url: url.describe('The address itself, where it is no secret.'),
});

const mailAddress = z
  .string()
  .max(320)
  .regex(/^[^\s@<>(),;:"\\[\]]+@[^\s@<>(),;:"\\[\]]+$/, 'expected an address such as ops@example.org');
const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of an HTTP header');

const kind = <Kind extends string>(word: Kind) => z.literal(word).describe('By which medium.');

const slack = z.strictObject({ kind: kind('slack'), ...hook('Address of an incoming webhook.'), ...shared });
const discord = z.strictObject({ kind: kind('discord'), ...hook('Address of a webhook.'), ...shared });
const teams = z.strictObject({
  kind: kind('teams'),
  ...hook('Address of a workflow that posts what a webhook receives.'),
  ...shared,
});
const webhook = z.strictObject({
  kind: kind('webhook'),
  ...hook('Where to POST JSON.'),
  bearer: secretPlace.optional().describe('Sent as `Authorization: Bearer …`.'),
  hmac: z
    .strictObject({
      secret: secretPlace.describe('Shared with the receiver, at least 16 characters.'),
      header: headerName.default('X-Flyball-Signature').describe('HMAC-SHA256 of `time:body`, in hexadecimal.'),
      timestampHeader: headerName.default('X-Flyball-Timestamp').describe('That time, in seconds since 1970.'),
    })
    .optional()
    .describe('Signs the body.'),
  ...shared,
});
const email = z.strictObject({
  kind: kind('email'),
  smtp: z.strictObject({
    host: z.string().min(1).max(255).describe('Of the mail server; its certificate is for this name.'),
    port: z.int().min(1).max(65_535).default(587).describe('587 for STARTTLS, 465 for TLS from the first byte.'),
    tls: z
      .enum(['starttls', 'implicit', 'none'])
      .default('starttls')
      .describe(
        '`starttls` (port 587) and `implicit` (465) send nothing without TLS; `none` is for a relay on this host.',
      ),
    caFile: z.string().min(1).optional().describe('Authority to trust, PEM; relative to this file.'),
    user: z.string().min(1).max(320).optional().describe('Who signs in; nobody does without it.'),
    password: secretPlace.optional().describe('Of the user.'),
  }),
  from: mailAddress.describe('Sender.'),
  to: z.array(mailAddress).min(1).max(50).describe('Recipients.'),
  ...shared,
});

const channel = z.discriminatedUnion('kind', [slack, discord, teams, email, webhook]);

export const notificationsSettings = z
  .strictObject({
    channels: z.record(name, channel).default({}).describe('name: where messages go, and which.'),
  })
  .prefault({});

export type NotificationsSettings = z.infer<typeof notificationsSettings>;
export type ChannelSpecification = z.infer<typeof channel>;
export type ChannelKind = ChannelSpecification['kind'];
export type ChannelOf<Kind extends ChannelKind> = Extract<ChannelSpecification, { readonly kind: Kind }>;
