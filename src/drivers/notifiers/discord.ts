/**
 * Discord's webhooks (discord.com/developers, "Execute Webhook", "Embed Limits", "Allowed Mentions", "Rate Limits"). Nobody is
 * mentioned, whatever the text says; what others have written is escaped. It is asked to wait until the message is kept, so
 * that the answer says it, and to be left alone until its window is over once that is used up.
 */
import type { Content, Notifier, Words } from '../../control/notifications/notifier.ts';
import { cutEscaped } from '../../core/notifications/text.ts';
import { post, verdictOn, type Posted, type Posting } from './post.ts';

const titleMax = 256;
const descriptionMax = 4096;
const footerMax = 2048;
/** Of all texts of a message's embeds together. */
const totalMax = 6000;
const usernameMax = 80;

const colours = { info: 0x2b_7a_c9, warning: 0xe0_8a_00, critical: 0xd0_24_2f } as const;
const resolvedColour = 0x2d_9d_5c;

/** A backslash before punctuation takes its meaning: formatting, mentions, links, emoji. */
export const escapeDiscord = (value: string): string => value.replaceAll(/[!-/:-@[-`{-~]/g, String.raw`\$&`);

const wordsOf = ({ kind, text }: Words): string => (kind === 'plain' ? escapeDiscord(text) : text);

export function discordPayload({ title, text, severity, state, platform, at }: Content) {
  const head = cutEscaped(wordsOf(title), titleMax);
  const footer = cutEscaped(escapeDiscord(platform), footerMax);
  const left = Math.min(descriptionMax, totalMax - head.length - footer.length);
  const description = cutEscaped(wordsOf(text), left);
  return {
    // Names with `discord` or `clyde` in them are refused.
    username: 'Flyball'.slice(0, usernameMax),
    allowed_mentions: { parse: [] },
    embeds: [
      {
        title: head,
        ...(description === '' ? {} : { description }),
        color: state === 'ended' ? resolvedColour : colours[severity],
        timestamp: new Date(at).toISOString(),
        footer: { text: footer },
      },
    ],
  };
}

export function discordNotifier(posting: Posting): Notifier {
  const url = new URL(posting.url);
  url.searchParams.set('wait', 'true');
  const waiting = { ...posting, url: url.href };
  return {
    escape: escapeDiscord,
    async send(content, signal) {
      const posted = await post(waiting, JSON.stringify(discordPayload(content)), signal);
      const verdict = verdictOn(posted, waiting, isKept(posted) ? undefined : 'expected the message that is kept');
      if (posted.kind === 'none') return verdict;
      const pauseMs = millisecondsOf(posted.headers.get('x-ratelimit-reset-after'));
      if (verdict.kind === 'sent') {
        const isUsedUp = posted.headers.get('x-ratelimit-remaining') === '0';
        return { kind: 'sent', said: 'it has kept the message', pauseMs: isUsedUp ? pauseMs : undefined };
      }
      // Its body is more exact than the header's whole seconds.
      const { retry_after: seconds } = fieldsOf(posted.body);
      const afterMs = typeof seconds === 'number' ? millisecondsOf(String(seconds)) : verdict.afterMs;
      return { ...verdict, afterMs };
    },
  };
}

/** A 204 keeps the message too, where whoever stands between has dropped the question. */
const isKept = (posted: Posted): boolean =>
  posted.kind === 'answer' &&
  (posted.status === 204 || typeof fieldsOf(posted.body)['id'] === 'string' || isCutShort(posted.body));

/** The answer repeats the embeds and may be longer than what is read of it. */
const isCutShort = (body: string): boolean => /^\{"[a-z_]+":/.test(body.trim()) && /"channel_id": ?"\d+"/.test(body);

const pauseMsMax = 3_600_000;

function millisecondsOf(seconds: string | null): number | undefined {
  const value = seconds === null || seconds === '' ? Number.NaN : Number(seconds);
  return Number.isFinite(value) && value >= 0 ? Math.min(pauseMsMax, Math.ceil(value * 1000)) : undefined;
}

function fieldsOf(body: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
  } catch {
    return {};
  }
}
