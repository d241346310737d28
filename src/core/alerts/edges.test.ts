import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { noteAlerts, type Alert, type AlertBook } from './book.ts';
import { dueEdges, edgesOf, react, type Edge, type Reactions } from './edges.ts';
import { fits } from './interest.ts';

const playbooks = {
  all: { match: { team: 'a' } },
  one: { match: { team: 'a', alertname: ['x', 'y'] }, source: 'grafana' },
  other: { match: { team: 'b' } },
};
const silentMs = 1000;

const alerts: fc.Arbitrary<Alert> = fc
  .record({
    alertname: fc.constantFrom('x', 'y', 'z'),
    team: fc.constantFrom('a', 'b'),
    state: fc.constantFrom('firing' as const, 'resolved' as const),
    startsAt: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ alertname, team, state, startsAt }) => ({
    fingerprint: alertname + team,
    state,
    startsAt,
    labels: { alertname, team },
    annotations: {},
  }));
const notifications = fc.array(fc.array(alerts, { minLength: 1, maxLength: 5 }), { maxLength: 20 });

function follow(sent: readonly (readonly Alert[])[], from: AlertBook = new Map()) {
  let book = from;
  const edges = sent.map((group, at) => {
    const noted = noteAlerts(book, 'grafana', group, at);
    const found = edgesOf(playbooks, book, noted, at, silentMs);
    book = noted.book;
    return found;
  });
  return { book, edges };
}

test('law: a replay of everything, in any order of its groups, is no edge', () => {
  fc.assert(
    fc.property(notifications, (sent) => {
      const { book, edges } = follow([...sent, ...sent].slice(0, 20));
      const again = follow(sent.slice(0, 10), book);
      assert.ok(again.edges.flat().length === 0);
      assert.ok(edges.every((found) => new Set(found.map(({ playbook }) => playbook)).size === found.length));
    }),
  );
});

test('law: beginnings and ends of a playbook take turns, but for a firing whose end was never told', () => {
  fc.assert(
    fc.property(notifications, (sent) => {
      const { edges, book } = follow(sent);
      for (const name of Object.keys(playbooks)) {
        const own = edges.flat().filter(({ playbook }) => playbook === name);
        own.forEach(({ on }, index) => {
          if (on === 'resolved') assert.equal(own[index - 1]?.on, 'firing');
        });
        const fires = [...book.values()].some(
          (alert) => fits(playbooks[name as keyof typeof playbooks], alert) && alert.state === 'firing',
        );
        if (own.length > 0) assert.equal(own.at(-1)?.on === 'firing', fires);
      }
    }),
  );
});

test('a group is one edge; the last that is resolved ends it; labels and sender choose', () => {
  const of = (alertname: string, state: Alert['state'], startsAt = 1): Alert => ({
    fingerprint: alertname,
    state,
    startsAt,
    labels: { alertname, team: 'a' },
    annotations: {},
  });
  const { edges } = follow([
    [of('x', 'firing'), of('y', 'firing'), of('z', 'firing')],
    [of('x', 'resolved')],
    [of('y', 'resolved')],
    [of('z', 'resolved')],
    [of('x', 'firing', 5)],
    [of('x', 'firing', 9)],
  ]);
  const told = edges.map((found) => found.map(({ playbook, on, alerts: own }) => `${playbook} ${on} ${own.length}`));
  assert.deepEqual(told, [
    ['all firing 3', 'one firing 2'],
    [],
    ['one resolved 1'],
    ['all resolved 1'],
    ['all firing 1', 'one firing 1'],
    ['all firing 1', 'one firing 1'],
  ]);
  const alert = { labels: { alertname: 'x', team: 'a' }, source: 'alertmanager' };
  assert.equal(fits(playbooks.all, alert), true);
  assert.equal(fits(playbooks.one, alert), false);
  assert.equal(fits(playbooks.one, { ...alert, source: 'grafana/2' }), true);
  assert.equal(fits({ match: { toString: 'x' } }, alert), false);
});

test('a firing alert that is silent for long holds no beginning back', () => {
  const firing = (name: string): Alert => ({
    fingerprint: name,
    state: 'firing',
    startsAt: 1,
    labels: { team: 'b' },
    annotations: {},
  });
  const first = noteAlerts(new Map(), 'grafana', [firing('x')], 0);
  const at = (wallMs: number): readonly Edge[] => {
    const noted = noteAlerts(first.book, 'grafana', [firing('y')], wallMs);
    return edgesOf(playbooks, first.book, noted, wallMs, silentMs);
  };
  assert.equal(at(500).length, 0);
  assert.equal(at(1500).length, 1);
});

test('law: a playbook begins at most once in its cooldown, and no end is acted on that had no beginning', () => {
  const steps = fc.array(
    fc.record({ on: fc.constantFrom('firing' as const, 'resolved' as const), waitMs: fc.nat(900) }),
  );
  fc.assert(
    fc.property(steps, (given) => {
      let reactions: Reactions = {};
      let at = 0;
      let begun = false;
      const began: number[] = [];
      for (const { on, waitMs } of given) {
        at += waitMs;
        const edge: Edge = { playbook: 'all', on, alerts: [] };
        const reacted = react(reactions, [edge], () => 1000, at);
        reactions = reacted.reactions;
        assert.equal(reacted.act.length + reacted.held.length, 1);
        if (on === 'firing') {
          begun = reacted.act.length === 1;
          if (begun) began.push(at);
        } else if (!begun && began.length > 0 && reactions['all']?.waits === true) assert.equal(reacted.act.length, 0);
      }
      began.slice(1).forEach((moment, index) => assert.ok(moment - (began[index] ?? 0) >= 1000));
    }),
  );
});

test('what waits begins when it may, if its alerts still fire', () => {
  const { book } = follow([
    [{ fingerprint: 'x', state: 'firing', startsAt: 1, labels: { team: 'b' }, annotations: {} }],
  ]);
  const reactions: Reactions = { other: { at: 0, waits: true } };
  const due = (wallMs: number, from = book) => dueEdges(reactions, playbooks, from, () => 500, wallMs, silentMs);
  assert.deepEqual(due(200), { edges: [], againMs: 300 });
  assert.deepEqual(
    due(500).edges.map(({ playbook, on }) => `${playbook} ${on}`),
    ['other firing'],
  );
  assert.deepEqual(due(500, new Map()).edges, []);
  assert.equal(due(5000).edges.length, 0, 'nobody has told of it for long');
  assert.equal(due(-100).edges.length, 1, 'a clock that went back does not make it wait for ever');
});
