/** The notifier of a channel as it is configured, with its secrets as they are now. */
import { readSecret } from '../../control/alerts/secrets.ts';
import type { Notifier, OpenNotifier } from '../../control/notifications/notifier.ts';
import type { ChannelOf } from '../../config/notifications-specification.ts';
import { FlyballError } from '../../errors.ts';
import { discordNotifier } from './discord.ts';
import { emailNotifier } from './email.ts';
import type { Posting } from './post.ts';
import { slackNotifier } from './slack.ts';
import { teamsNotifier } from './teams.ts';
import { webhookNotifier } from './webhook.ts';

/** A shorter one could be guessed. */
const secretLengthMin = 16;

export const openNotifier: OpenNotifier = async (settings, where) => {
  if (settings.kind === 'email') return openEmail(settings, where);
  const { url: plain, urlFrom, timeoutMs } = settings;
  const url = urlFrom === undefined ? (plain ?? '') : await readSecret(urlFrom, `${where}.urlFrom`);
  if (!/^https?:\/\//.test(url) || !URL.canParse(url)) {
    throw new FlyballError('SECRET_UNUSABLE', `${where}.urlFrom: expected an http:// or https:// address`);
  }
  const posting: Posting = { url, timeoutMs };
  switch (settings.kind) {
    case 'slack':
      return slackNotifier(posting);
    case 'discord':
      return discordNotifier(posting);
    case 'teams':
      return teamsNotifier(posting);
    case 'webhook':
      return openWebhook(settings, where, posting);
    default:
      return settings satisfies never;
  }
};

async function openWebhook({ bearer, hmac }: ChannelOf<'webhook'>, where: string, posting: Posting): Promise<Notifier> {
  const shown = bearer && (await readSecret(bearer, `${where}.bearer`));
  if (hmac === undefined) return webhookNotifier(posting, shown, undefined);
  const { header, timestampHeader } = hmac;
  const secret = await readSecret(hmac.secret, `${where}.hmac.secret`, secretLengthMin);
  return webhookNotifier(posting, shown, { secret, header, timestampHeader });
}

async function openEmail({ smtp, from, to, timeoutMs }: ChannelOf<'email'>, where: string): Promise<Notifier> {
  const { host, port, tls, caFile, user, password } = smtp;
  const secret = password && (await readSecret(password, `${where}.smtp.password`));
  const login = user === undefined || secret === undefined ? undefined : { user, password: secret };
  return emailNotifier({ host, port, tls, caFile, login, from, to, timeoutMs });
}
