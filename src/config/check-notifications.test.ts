/** `notifications`: what is refused, in which words, and where files of secrets are looked for. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseSpecification } from './load.ts';
import { withAbsoluteChannels } from './notification-secrets.ts';
import { specification } from './specification.ts';

const read = (channel: string) =>
  parseSpecification(`notifications:\n  channels:\n    ops: ${channel}\n`, 'flyball.yaml').notifications.channels[
    'ops'
  ];

test('a channel of each kind, with what is left to defaults', () => {
  const slack = read('{ kind: slack, urlFrom: { env: HOOK } }');
  assert.deepEqual([slack?.severityMin, slack?.perMinuteMax, slack?.resolved], ['warning', 10, true]);
  for (const kind of ['discord', 'teams', 'webhook'])
    assert.ok(read(`{ kind: ${kind}, url: "https://chat.example/x" }`));
  const mail = read('{ kind: email, smtp: { host: mail.example.org }, from: a@example.org, to: [b@example.org] }');
  assert.ok(mail?.kind === 'email' && mail.smtp.tls === 'starttls' && mail.smtp.port === 587);
});

test('what cannot be meant is refused, with where and what was expected', () => {
  const mail = (more: string, smtp = 'host: mail.example.org') =>
    `{ kind: email, smtp: { ${smtp} }, from: a@example.org, to: [b@example.org], ${more} }`;
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{ kind: slak, url: "https://x.example" }', /channels\.ops\.kind: expected .*slack.*; did you mean slack\?/],
    ['{ kind: slack }', /channels\.ops: expected url or urlFrom, got neither/],
    ['{ kind: slack, url: "https://x.example", urlFrom: { env: A } }', /got both/],
    ['{ kind: slack, url: "ftp://x.example" }', /expected an http/],
    ['{ kind: slack, url: "https://u:p@x.example" }', /without user and password/],
    ['{ kind: slack, urlFrom: {} }', /urlFrom: expected where the secret is/],
    [
      '{ kind: slack, url: "https://x.example", perMinutMax: 3 }',
      /perMinutMax: unknown key; did you mean perMinuteMax/,
    ],
    ['{ kind: slack, url: "https://x.example", hmac: { secret: { env: A } } }', /hmac: unknown key/],
    ['{ kind: slack, url: "https://x.example", events: [hallt] }', /events\[0\]: expected .*; did you mean halt/],
    [
      '{ kind: slack, url: "https://x.example", severityMin: high }',
      /severityMin: expected info \| warning \| critical/,
    ],
    [
      '{ kind: slack, url: "https://x.example", title: "{{titel}}" }',
      /title: there is no field "titel"; did you mean title/,
    ],
    ['{ kind: slack, url: "https://x.example", text: "{{zzzzzz}}" }', /expected platform, channel, kind/],
    ['{ kind: slack, url: "https://x.example", text: "a {{title" }', /text: expected \}\} after \{\{/],
    ['{ kind: slack, url: "https://x.example", deployments: [digits] }', /no deployment has the name digits/],
    [mail('subject: x'), /subject: unknown key/],
    [mail('', 'host: mail.example.org, user: a'), /smtp: expected user and password, or neither/],
    [mail('', 'host: mail.example.org, user: a, password: { env: P }, tls: none'), /a password is not sent in clear/],
    [
      '{ kind: email, smtp: { host: h }, from: "a@b.c\\r\\nBcc: x@y.z", to: [b@example.org] }',
      /from: expected an address/,
    ],
    ['{ kind: email, smtp: { host: h }, from: a@b.c, to: [] }', /to: expected/],
  ];
  for (const [channel, expected] of cases) {
    assert.throws(
      () => read(channel),
      (error: Error) => {
        assert.match(error.message, expected);
        return true;
      },
    );
  }
});

test('a playbook names a channel that is there', () => {
  const text = (channel: string) => `
alerts:
  webhooks: { grafana: { bearer: { env: A } } }
  playbooks: { p: { match: { a: b }, firing: { notify: { ${channel} } } } }
notifications: { channels: { ops: { kind: slack, url: "https://x.example" } } }
`;
  assert.ok(parseSpecification(text('channel: ops'), 'f'));
  assert.throws(
    () => parseSpecification(text('channel: opps'), 'f'),
    /notify\.channel: notifications\.channels has no opps; did you mean ops/,
  );
  assert.throws(
    () => parseSpecification(text('channel: ops, url: "https://x.example"'), 'f'),
    /expected one of url, urlFrom and channel, got 2/,
  );
  assert.throws(() => parseSpecification(text('channel: ops, bearer: { env: A }'), 'f'), /is for an address/);
});

test('files are looked for beside the specification', () => {
  const given = specification.parse({
    notifications: {
      channels: {
        a: { kind: 'slack', urlFrom: { file: 'hook' } },
        b: { kind: 'webhook', url: 'https://x.example', bearer: { file: 'b' }, hmac: { secret: { file: '/abs' } } },
        c: {
          kind: 'email',
          smtp: { host: 'h', caFile: 'ca.pem', user: 'u', password: { file: 'p' } },
          from: 'a@b.c',
          to: ['a@b.c'],
        },
      },
    },
  });
  const { a, b, c } = withAbsoluteChannels(given, '/etc/flyball').notifications.channels;
  assert.ok(a?.kind === 'slack' && a.urlFrom?.file === '/etc/flyball/hook');
  assert.ok(b?.kind === 'webhook' && b.bearer?.file === '/etc/flyball/b' && b.hmac?.secret.file === '/abs');
  assert.ok(
    c?.kind === 'email' && c.smtp.caFile === '/etc/flyball/ca.pem' && c.smtp.password?.file === '/etc/flyball/p',
  );
});
