/** Slack: the common suite, Block Kit's limits, and what its formatting would read. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, harmful, notifierConformance } from '../../testing/conformance/notifier.ts';
import { httpReceiver } from '../../testing/http-receiver.ts';
import { escapeSlack, slackNotifier, slackPayload } from './slack.ts';

interface Block {
  readonly type: string;
  readonly text: {
    readonly type: string;
    readonly text: string;
    readonly verbatim?: boolean;
    readonly emoji?: boolean;
  };
}
interface Payload {
  readonly text: string;
  readonly mrkdwn: boolean;
  readonly blocks: readonly Block[];
}

/** Block Kit, "Header block", "Section block", "Text object"; `verbatim` keeps names and links from being made. */
function checkPayload(received: string): void {
  const { text, mrkdwn, blocks } = JSON.parse(received) as Payload;
  assert.ok(text.length > 0 && text.length <= 4000);
  assert.equal(mrkdwn, false);
  assert.ok(blocks.length >= 1 && blocks.length <= 50);
  for (const part of [text, ...blocks.filter((one) => one.text.type === 'mrkdwn').map((one) => one.text.text)]) {
    assert.doesNotMatch(part, /[<>]/, 'what Slack reads as a mention or a link');
    assert.doesNotMatch(part, /&(?!amp;|lt;|gt;)/);
  }
  for (const { type, text: own } of blocks) {
    assert.ok(own.text.length >= 1 && own.text.length <= (type === 'header' ? 150 : 3000));
    assert.equal(type === 'header' ? own.type : 'plain_text', 'plain_text');
    if (own.type === 'mrkdwn') assert.equal(own.verbatim, true);
  }
}

notifierConformance('slack', async (timeoutMs) => {
  const receiver = await httpReceiver({ status: 200, body: 'ok' });
  return {
    notifier: slackNotifier({ url: receiver.url, timeoutMs }),
    secret: receiver.secret,
    received: receiver.received,
    behave: (as) => receiver.behave(as),
    check: checkPayload,
    shown: (received) => (JSON.parse(received) as Payload).blocks.map(({ text }) => text.text).join('\n'),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
});

test('what others wrote is in plain text blocks, or loses its marks in a template', () => {
  for (const text of harmful) {
    const { blocks } = slackPayload(contentOf(text));
    assert.ok(blocks.every((block) => block.text.type === 'plain_text'));
    const escaped = escapeSlack(text);
    assert.doesNotMatch(escaped, /[<>*~`]|(?<![\p{L}\p{N}])_/u);
  }
  assert.equal(escapeSlack('my_model & co <!channel>'), 'my_model &amp; co &lt;!channel&gt;');
});

test('429 says when to come again; a page that is not ok is no message that was taken', async () => {
  await using receiver = await httpReceiver({ status: 200, body: 'ok' });
  const notifier = slackNotifier({ url: receiver.url, timeoutMs: 30_000 });
  const signal = new AbortController().signal;
  receiver.answers.push({ status: 429, headers: { 'retry-after': '30' } });
  const busy = await notifier.send(contentOf('x'), signal);
  assert.ok(busy.kind === 'failed' && busy.again);
  assert.equal(busy.afterMs, 30_000);
  receiver.answers.push({ status: 200, body: '<html>sign in to the guest network</html>' });
  const captive = await notifier.send(contentOf('x'), signal);
  assert.ok(captive.kind === 'failed' && captive.again);
  assert.match(captive.said, /expected ok/);
  // Whose address is gone may get another; whose payload is wrong does not.
  receiver.answers.push({ status: 404, body: 'no_service' });
  const gone = await notifier.send(contentOf('x'), signal);
  assert.ok(gone.kind === 'failed' && gone.again);
  assert.equal(gone.why, 'it answered 404 no_service');
});
