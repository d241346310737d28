/**
 * `alerts` of the specification: whose webhooks are taken and how they prove themselves, what alerts are as signals, and
 * the playbooks that they set off. Secrets are never in it: only where they are.
 */
import * as z from 'zod';
import { deploymentName, modes, name } from './names.ts';

/** Where a secret is: a file that holds nothing else, or a variable of the environment. */
export const secretPlace = z.strictObject({
  file: z.string().min(1).optional().describe('Path of a file that holds it and nothing else; relative to this file.'),
  env: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'expected the name of an environment variable')
    .optional()
    .describe('Variable that holds it in the environment of `flyball up`.'),
});

const headerName = z.string().regex(/^[A-Za-z0-9-]{1,64}$/, 'expected the name of an HTTP header');

const webhook = (what: string) =>
  z
    .strictObject({
      bearer: secretPlace.optional().describe('Shown by the sender as `Authorization: Bearer …`.'),
      hmac: z
        .strictObject({
          secret: secretPlace.describe('Shared with the sender, at least 16 characters.'),
          header: headerName
            .default('X-Grafana-Alerting-Signature')
            .describe('Where the sender puts the HMAC-SHA256 of the body, in hexadecimal.'),
          timestampHeader: headerName
            .optional()
            .describe(
              'Where it puts the time that is signed too; with it a notification cannot be sent a second time.',
            ),
          toleranceMs: z
            .int()
            .min(1000)
            .max(3_600_000)
            .default(300_000)
            .describe('How far that time may be from the one here.'),
        })
        .optional()
        .describe('The sender signs the body, as Grafana does.'),
    })
    .optional()
    .describe(what);

const match = z
  .record(z.string().min(1).max(200), z.union([z.string().max(500), z.array(z.string().max(500)).min(1).max(100)]))
  .describe('label: the value it must have, or a list of those of which it must have one.');
const source = z.enum(['grafana', 'alertmanager']).optional().describe('Only from this sender.');

/** Whoever needs a password has `bearer` or `urlFrom`: here it would be in every answer that shows the specification. */
function isAddress(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { username, password } = new URL(text);
  return username === '' && password === '';
}

const notify = z
  .strictObject({
    channel: name
      .optional()
      .describe(
        'A channel of `notifications`, in place of an address: it is told whatever it wants to know otherwise.',
      ),
    url: z
      .string()
      .regex(/^https?:\/\/[^\s]+$/, 'expected an http:// or https:// address')
      .max(2000)
      .refine(isAddress, { error: 'expected an http:// or https:// address without user and password' })
      .optional()
      .describe('Where to POST what came and what was done, as JSON.'),
    urlFrom: secretPlace.optional().describe('Where the address is itself a secret.'),
    bearer: secretPlace.optional().describe('Sent as `Authorization: Bearer …`.'),
    attemptsMax: z.int().min(1).max(10).default(4).describe('Attempts, a second apart, then two, four …'),
    timeoutMs: z.int().min(100).max(60_000).default(5000).describe('Time for one attempt.'),
  })
  .optional()
  .describe('Tells somebody, by one POST that is tried again when it fails.');

const reaction = (when: string) =>
  z
    .strictObject({
      scaleOut: z.int().min(1).max(1000).optional().describe('So many replicas more than are held.'),
      scaleIn: z.int().min(1).max(1000).optional().describe('So many fewer.'),
      mode: z.enum(modes).optional().describe('Who may change the target from then on.'),
      notify,
    })
    .optional()
    .describe(when);

const playbook = z.strictObject({
  match,
  source,
  deployment: deploymentName.optional().describe('Whose replicas or mode it changes.'),
  firing: reaction('When the first of its alerts fires.'),
  resolved: reaction('When the last of them is resolved.'),
  holdMs: z
    .int()
    .min(1000)
    .max(86_400_000)
    .default(300_000)
    .describe(
      'A step is held for this long, and as long as its alerts fire; then the policy alone decides. It begins no more often than once in this time.',
    ),
  reason: z.string().min(1).max(200).optional().describe('Why it may give the mode approve or auto. Needed then.'),
});

export const alertsSettings = z
  .strictObject({
    webhooks: z
      .strictObject({
        grafana: webhook('Takes `POST /api/v1/webhooks/grafana`: a webhook contact point of Grafana.'),
        alertmanager: webhook('Takes `POST /api/v1/webhooks/alertmanager`: a webhook receiver of Alertmanager.'),
      })
      .prefault({}),
    signals: z
      .record(name, z.strictObject({ match, source }))
      .default({})
      .describe(
        'name: which alerts count. How many of them fire is a signal of this name, for `scaling.holdOn` and policies.',
      ),
    playbooks: z
      .record(name, playbook)
      .default({})
      .describe('name: which alerts, and what is done when they fire and end.'),
    silentMs: z
      .int()
      .min(60_000)
      .max(2_592_000_000)
      .default(86_400_000)
      .describe(
        'A firing alert of which nobody has told for this long counts as firing no more; longer than the sender takes to repeat itself.',
      ),
    keptMax: z
      .int()
      .min(10)
      .max(2000)
      .default(1000)
      .describe('Alerts that are remembered; of more, resolved ones go first.'),
  })
  .prefault({});

export type AlertsSettings = z.infer<typeof alertsSettings>;
export type SecretPlace = z.infer<typeof secretPlace>;
export type WebhookSettings = NonNullable<AlertsSettings['webhooks']['grafana']>;
export type PlaybookSettings = AlertsSettings['playbooks'][string];
export type NotifySettings = NonNullable<NonNullable<PlaybookSettings['firing']>['notify']>;
