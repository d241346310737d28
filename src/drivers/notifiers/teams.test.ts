/** Microsoft Teams: the common suite, the card's form, and its size in bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, harmful, notifierConformance } from '../../testing/conformance/notifier.ts';
import { httpReceiver } from '../../testing/http-receiver.ts';
import { escapeTeams, teamsNotifier, teamsPayload } from './teams.ts';

interface Element {
  readonly type: string;
  readonly text?: string;
  readonly wrap?: boolean;
  readonly inlines?: readonly { readonly type: string; readonly text: string }[];
}
interface Payload {
  readonly type: string;
  readonly attachments: readonly {
    readonly contentType: string;
    readonly content: { readonly type: string; readonly version: string; readonly body: readonly Element[] };
  }[];
}

const textsOf = ({ attachments }: Payload): readonly string[] =>
  (attachments[0]?.content.body ?? []).flatMap(({ text, inlines }) => text ?? (inlines ?? []).map((run) => run.text));

/** adaptivecards.io, 1.4: TextBlock and RichTextBlock need text; a message is at most 28 KB. */
function checkPayload(received: string): void {
  assert.ok(Buffer.byteLength(received) <= 21_000);
  const payload = JSON.parse(received) as Payload;
  assert.equal(payload.type, 'message');
  assert.equal(payload.attachments.length, 1);
  const [attachment] = payload.attachments;
  assert.equal(attachment?.contentType, 'application/vnd.microsoft.card.adaptive');
  assert.equal(attachment?.content.type, 'AdaptiveCard');
  assert.equal(attachment?.content.version, '1.4');
  for (const { type, text, inlines } of attachment?.content.body ?? []) {
    if (type === 'TextBlock') assert.ok(text !== undefined && text.length > 0);
    else {
      assert.equal(type, 'RichTextBlock');
      assert.ok((inlines ?? []).length > 0 && inlines?.every((run) => run.type === 'TextRun' && run.text.length > 0));
    }
  }
}

notifierConformance('teams', async (timeoutMs) => {
  const receiver = await httpReceiver({ status: 202 });
  return {
    notifier: teamsNotifier({ url: receiver.url, timeoutMs }),
    secret: receiver.secret,
    received: receiver.received,
    behave: (as) => receiver.behave(as),
    check: checkPayload,
    shown: (received) => textsOf(JSON.parse(received) as Payload).join('\n'),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
});

test('what others wrote is in runs, which have no Markdown, or is escaped in a template; nobody is mentioned', () => {
  for (const text of harmful) {
    const payload = teamsPayload(contentOf(text)) as Payload;
    const body = payload.attachments[0]?.content.body ?? [];
    assert.ok(body.every(({ type }) => type === 'RichTextBlock'));
    assert.ok(!JSON.stringify(payload).includes('"entities"'));
    assert.doesNotMatch(escapeTeams(text).replaceAll(/\\[^A-Za-z0-9\s]/gu, ''), /[*_`[\]()~]/);
  }
});
