/**
 * What every notifier must do, run by each driver's test; it is the specification of the seam. A driver brings a real
 * receiver that behaves as it is told, and says what its medium's documents ask of a message.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Content, Notifier } from '../../control/notifications/notifier.ts';
import type { NotificationEvent } from '../../core/notifications/event.ts';

/** `busy`: later, please. `refuses`: this message, for ever. `garbage`: bytes that are no answer. */
export const behaviours = ['takes', 'busy', 'broken', 'refuses', 'garbage', 'hangs', 'breaks off'] as const;
export type Behaviour = (typeof behaviours)[number];

export interface NotifierUnderTest extends AsyncDisposable {
  readonly notifier: Notifier;
  /** Part of its address, or of what it signs in with: nobody may read it in what is said. */
  readonly secret: string;
  /** From now on. */
  behave(as: Behaviour): void;
  /** Messages that it has got, as they came. */
  readonly received: readonly string[];
  /** Fails where a message is not as the medium's documents ask. */
  check(received: string): void;
  /** What a person would read of it, every part. */
  shown(received: string): string;
}

export const harmful = [
  '@everyone @here <!channel> <!here|now> <@U024BE7LH> <@&1234> <#C024BE7LR>',
  '*bold* _it_ ~gone~ `code` ```block``` **b** __u__ ||spoiler|| [link](https://evil.example) > quote # head - item',
  '<b>html</b><script>alert(1)</script><img src=x onerror=alert(1)> &amp; &lt; <at>Everyone</at>',
  'subject\r\nBcc: everyone@example.org\r\n\r\nbody\u2028\u0000\u0007\u001b[31m\u202Eright to left',
  '"}],"text":"injected","x":[{"',
  '{{title}} ${process.env} %s',
  '.\r\n.\r\nQUIT\r\n',
];

export function contentOf(text: string, more: Partial<Content> = {}): Content {
  const event: NotificationEvent = {
    entry: 7,
    at: Date.UTC(2026, 10, 29, 14, 5),
    kind: 'halt',
    severity: 'critical',
    deployment: 'digits',
    key: 'halt digits',
    state: 'began',
    title: text,
    text,
    by: text,
  };
  return {
    title: { kind: 'plain', text },
    text: { kind: 'plain', text },
    severity: 'critical',
    state: 'began',
    platform: 'plant-3',
    channel: 'ops',
    deployment: 'digits',
    kind: 'halt',
    events: [event],
    more: 0,
    leftOut: {},
    id: 'plant-3.ops.1.7',
    at: event.at,
    ...more,
  };
}

const never = new AbortController().signal;

export function notifierConformance(name: string, make: (timeoutMs: number) => Promise<NotifierUnderTest>): void {
  const check = (title: string, body: (own: NotifierUnderTest) => Promise<void>, timeoutMs = 30_000): void => {
    void test(`${name}: ${title}`, async () => {
      await using own = await make(timeoutMs);
      await body(own);
    });
  };

  check('what is taken was sent, once, as the documents ask, and says so', async (own) => {
    const delivered = await own.notifier.send(contentOf('digits is halted by ada'), never);
    assert.equal(delivered.kind, 'sent', delivered.said);
    assert.ok(delivered.said.length > 0 && !delivered.said.includes('\n'));
    assert.equal(own.received.length, 1);
    own.check(own.received[0] ?? '');
    assert.match(own.shown(own.received[0] ?? ''), /digits is halted by ada/);
  });

  check('every severity and state, with and without text, is taken', async (own) => {
    for (const severity of ['info', 'warning', 'critical'] as const) {
      for (const state of ['began', 'ended', 'once'] as const) {
        for (const text of ['', 'two\nlines\n\nand more']) {
          const words = { text: { kind: 'plain', text } as const, severity, state };
          const delivered = await own.notifier.send(contentOf('t', words), never);
          assert.equal(delivered.kind, 'sent', delivered.said);
          own.check(own.received.at(-1) ?? '');
        }
      }
    }
  });

  check('whatever others have written stays text: plain, and in a template', async (own) => {
    for (const text of harmful) {
      const escaped = own.notifier.escape(text);
      const template = { kind: 'markup', text: `digits: ${escaped}` } as const;
      for (const more of [{}, { title: template, text: template }]) {
        const delivered = await own.notifier.send(contentOf(text, more), never);
        assert.equal(delivered.kind, 'sent', delivered.said);
        own.check(own.received.at(-1) ?? '');
      }
    }
  });

  check('what is far too long is cut with a mark, and still taken', async (own) => {
    const escapes = '*_&<>\\'.repeat(20_000);
    for (const text of ['x'.repeat(100_000), '漢字😀'.repeat(20_000), escapes, 'line\n'.repeat(30_000)]) {
      const template = { kind: 'markup', text: own.notifier.escape(text) } as const;
      for (const more of [{}, { title: template, text: template }]) {
        const delivered = await own.notifier.send(contentOf(text, more), never);
        assert.equal(delivered.kind, 'sent', delivered.said);
        const got = own.received.at(-1) ?? '';
        own.check(got);
        assert.match(own.shown(got), /…/);
      }
    }
  });

  check('a receiver that is busy or broken is to be asked again, one that refuses the message is not', async (own) => {
    for (const behaviour of ['busy', 'broken', 'refuses'] as const) {
      own.behave(behaviour);
      const delivered = await own.notifier.send(contentOf('x'), never);
      assert.equal(delivered.kind, 'failed', behaviour);
      if (delivered.kind !== 'failed') continue;
      assert.equal(delivered.again, behaviour !== 'refuses', `${behaviour}: ${delivered.why}`);
      assert.ok(!delivered.said.includes(own.secret), delivered.said);
    }
  });

  check('an answer that is none is a failure that may pass', async (own) => {
    for (const behaviour of ['garbage', 'breaks off'] as const) {
      own.behave(behaviour);
      const delivered = await own.notifier.send(contentOf('x'), never);
      assert.ok(delivered.kind === 'failed' && delivered.again, `${behaviour}: ${delivered.said}`);
      assert.ok(!delivered.said.includes(own.secret), delivered.said);
    }
    own.behave('takes');
    assert.equal((await own.notifier.send(contentOf('x'), never)).kind, 'sent');
  });

  check(
    'one that hangs is waited for no longer than its time',
    async (own) => {
      own.behave('hangs');
      const delivered = await own.notifier.send(contentOf('x'), never);
      assert.ok(delivered.kind === 'failed' && delivered.again, delivered.said);
      assert.equal(delivered.said, 'no answer in 300 ms');
    },
    300,
  );

  check('whoever stops the platform does not wait for it', async (own) => {
    own.behave('hangs');
    const stopping = new AbortController();
    const sending = own.notifier.send(contentOf('x'), stopping.signal);
    setTimeout(() => stopping.abort(), 50);
    assert.equal((await sending).kind, 'failed');
    assert.equal((await own.notifier.send(contentOf('x'), stopping.signal)).kind, 'failed');
  });

  check('where nobody listens it says so, and nothing of the address that is secret', async (own) => {
    await own[Symbol.asyncDispose]();
    const delivered = await own.notifier.send(contentOf('x'), never);
    assert.ok(delivered.kind === 'failed' && delivered.again);
    assert.match(delivered.said, /ECONNREFUSED|ECONNRESET/);
    assert.ok(!delivered.said.includes(own.secret), delivered.said);
  });
}
