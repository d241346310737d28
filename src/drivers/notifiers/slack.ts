/**
 * Slack's incoming webhooks (docs.slack.dev, "Sending messages using incoming webhooks", "Formatting message text", "Block
 * Kit"; headers take 150 characters, sections 3000). What others have written stands in `plain_text`, which has no
 * formatting and no mentions; in an operator's template it is escaped. The answer to what was taken is `ok`.
 */
import type { Content, Notifier, Words } from '../../control/notifications/notifier.ts';
import { cut, cutEscaped } from '../../core/notifications/text.ts';
import { post, verdictOn, type Posting } from './post.ts';

const headerMax = 150;
const sectionMax = 3000;
/** Of `text`, which is what notifications on screens show; Slack cuts at 40,000 and advises 4000. */
const fallbackMax = 4000;

const marks = { info: '🔵', warning: '🟠', critical: '🔴' } as const;

/**
 * `&`, `<` and `>` are what Slack reads; there is no escape for its formatting characters, so they become their likes,
 * but for an underscore inside a word, which formats nothing.
 */
export const escapeSlack = (value: string): string =>
  value
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('*', '∗')
    .replaceAll('~', '∼')
    .replaceAll('`', 'ˋ')
    .replaceAll(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, 'ˍ');

const escapeEntities = (value: string): string =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');

function section({ kind, text }: Words) {
  return kind === 'plain'
    ? { type: 'section', text: { type: 'plain_text', text: cut(text, sectionMax), emoji: false } }
    : { type: 'section', text: { type: 'mrkdwn', text: cutEscaped(text, sectionMax), verbatim: true } };
}

export function slackPayload({ title, text, severity, state }: Content) {
  const mark = state === 'ended' ? '🟢' : marks[severity];
  const isPlain = title.kind === 'plain';
  const head = isPlain
    ? [{ type: 'header', text: { type: 'plain_text', text: cut(`${mark} ${title.text}`, headerMax), emoji: true } }]
    : [section({ kind: 'markup', text: `${mark} ${title.text}` })];
  // Whatever shows no blocks reads this, and reads it as mrkdwn.
  const fallback = isPlain ? escapeEntities(title.text) : title.text;
  return {
    text: cutEscaped(`${mark} ${fallback}`, fallbackMax),
    mrkdwn: false,
    unfurl_links: false,
    unfurl_media: false,
    blocks: [...head, ...(text.text === '' ? [] : [section(text)])],
  };
}

export function slackNotifier(posting: Posting): Notifier {
  return {
    escape: escapeSlack,
    async send(content, signal) {
      const posted = await post(posting, JSON.stringify(slackPayload(content)), signal);
      const isOk = posted.kind === 'answer' && posted.body.trim() === 'ok';
      return verdictOn(posted, posting, isOk ? undefined : 'expected ok');
    },
  };
}
