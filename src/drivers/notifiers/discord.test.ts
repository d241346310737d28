/** Discord: the common suite, the limits of embeds, mentions that mention nobody, and its rate-limit headers. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { contentOf, harmful, notifierConformance } from '../../testing/conformance/notifier.ts';
import { httpReceiver } from '../../testing/http-receiver.ts';
import { discordNotifier, escapeDiscord } from './discord.ts';

interface Payload {
  readonly username: string;
  readonly allowed_mentions: unknown;
  readonly content?: string;
  readonly embeds: readonly {
    readonly title: string;
    readonly description?: string;
    readonly color: number;
    readonly timestamp: string;
    readonly footer: { readonly text: string };
  }[];
}

const kept = { status: 200, body: '{"id":"123","type":0,"content":"","channel_id":"456"}' };

/** "Embed Limits": 256, 4096, 2048, and 6000 over all. */
function checkPayload(received: string): void {
  const { allowed_mentions, embeds, content, username } = JSON.parse(received) as Payload;
  assert.deepEqual(allowed_mentions, { parse: [] });
  assert.equal(content, undefined);
  assert.ok(username.length <= 80 && embeds.length === 1);
  for (const { title, description = 'none', color, timestamp, footer } of embeds) {
    assert.ok(title.length >= 1 && title.length <= 256);
    assert.ok(description.length >= 1 && description.length <= 4096);
    assert.ok(title.length + description.length + footer.text.length <= 6000 && footer.text.length <= 2048);
    assert.ok(color >= 0 && color <= 0xff_ff_ff && !Number.isNaN(Date.parse(timestamp)));
    // Whatever could format, mention or link has a backslash before it; one backslash alone would swallow what follows.
    for (const text of [title, description])
      assert.doesNotMatch(text.replaceAll(/\\[^A-Za-z0-9\s]/gu, ''), /[*_~`|<>@[\]\\]/);
  }
}

notifierConformance('discord', async (timeoutMs) => {
  const receiver = await httpReceiver(kept);
  return {
    notifier: discordNotifier({ url: receiver.url, timeoutMs }),
    secret: receiver.secret,
    received: receiver.received,
    behave: (as) => receiver.behave(as),
    check: checkPayload,
    shown: (received) =>
      (JSON.parse(received) as Payload).embeds
        .map(({ title, description = '' }) => `${title}\n${description}`.replaceAll(/\\([^A-Za-z0-9\s])/gu, '$1'))
        .join('\n'),
    [Symbol.asyncDispose]: () => receiver[Symbol.asyncDispose](),
  };
});

test('an escape takes the meaning of every mark, and nothing else', () => {
  for (const text of harmful) assert.equal(escapeDiscord(text).replaceAll(/\\([^A-Za-z0-9\s])/gu, '$1'), text);
  assert.equal(escapeDiscord('digits 2 → 4'), 'digits 2 → 4');
});

test('it waits until the message is kept, and leaves the receiver alone until its window is over', async () => {
  await using receiver = await httpReceiver(kept);
  const notifier = discordNotifier({ url: receiver.url, timeoutMs: 30_000 });
  const signal = new AbortController().signal;
  receiver.answers.push({ ...kept, headers: { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset-after': '1.25' } });
  assert.deepEqual(await notifier.send(contentOf('x'), signal), {
    kind: 'sent',
    said: 'it has kept the message',
    pauseMs: 1250,
  });
  assert.match(receiver.paths[0] ?? '', /\?wait=true$/);
  receiver.answers.push({
    status: 429,
    headers: { 'retry-after': '65' },
    body: '{"message":"You are being rate limited.","retry_after":64.57,"global":false}',
  });
  const busy = await notifier.send(contentOf('x'), signal);
  assert.ok(busy.kind === 'failed' && busy.again);
  assert.equal(busy.afterMs, 64_570);
  receiver.answers.push({ status: 200, body: 'hello' }, { status: 200, body: '[]' });
  for (const _ of [1, 2]) assert.equal((await notifier.send(contentOf('x'), signal)).kind, 'failed');
});
