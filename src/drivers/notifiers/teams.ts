/**
 * Microsoft Teams by a workflow ("Post to a channel when a webhook request is received"), which takes an Adaptive Card in
 * a message (learn.microsoft.com, "Create incoming webhooks with Workflows", adaptivecards.io schema 1.4). The connectors of
 * MessageCards are retired. Rich text runs show what they are given; only an operator's template is Markdown.
 */
import type { Content, Notifier, Words } from '../../control/notifications/notifier.ts';
import { cut, cutEscaped } from '../../core/notifications/text.ts';
import { post, verdictOn, type Posting } from './post.ts';

/** The limit is said to be 28 KB; senders have met it from 21 KB on. */
const payloadBytesMax = 20_000;
const titleMax = 400;
const textMax = 8000;

const colours = { info: 'accent', warning: 'warning', critical: 'attention' } as const;

/** A backslash takes the meaning of what a TextBlock reads as Markdown; HTML it shows as it is. */
export const escapeTeams = (value: string): string => value.replaceAll(/[\\`*_{}[\]()#+\-.!|~>]/g, String.raw`\$&`);

function blockOf({ kind, text }: Words, max: number, style: Readonly<Record<string, unknown>>) {
  if (kind === 'markup') return [{ type: 'TextBlock', text: cutEscaped(text, max), wrap: true, ...style }];
  return cut(text, max)
    .split('\n')
    .map((line) => ({
      type: 'RichTextBlock',
      inlines: [{ type: 'TextRun', text: line === '' ? ' ' : line, ...style }],
    }));
}

export function teamsPayload(content: Content, max = textMax): unknown {
  const { title, text, severity, state } = content;
  const color = state === 'ended' ? 'good' : colours[severity];
  const body = [
    ...blockOf(title, titleMax, { size: 'large', weight: 'bolder', color }),
    ...(text.text === '' ? [] : blockOf(text, max, {})),
  ];
  const card = {
    $schema: 'http://adaptivecards.io/schemas/adaptive-card.json',
    type: 'AdaptiveCard',
    version: '1.4',
    body,
    msteams: { width: 'Full' },
  };
  const attachment = { contentType: 'application/vnd.microsoft.card.adaptive', contentUrl: null, content: card };
  return { type: 'message', attachments: [attachment] };
}

/** As JSON, within its bytes: what is written in other scripts takes up to three times as many as it has characters. */
export function teamsBody(content: Content): string {
  for (let max = textMax; ; max = Math.floor(max / 2)) {
    const body = JSON.stringify(teamsPayload(content, max));
    if (Buffer.byteLength(body) <= payloadBytesMax || max < 100) return body;
  }
}

export function teamsNotifier(posting: Posting): Notifier {
  return {
    escape: escapeTeams,
    async send(content, signal) {
      return verdictOn(await post(posting, teamsBody(content), signal), posting);
    },
  };
}
