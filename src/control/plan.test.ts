/** Laws of the plan, for any specification that the schema lets through. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ResolvedSpecification } from '../api/schemas.ts';
import { canonicalJson } from '../config/canonical-json.ts';
import { specification } from '../config/specification.ts';
import { droppedOverrides, plan, type PlanState } from './plan.ts';

const name = fc.constantFrom('digits', 'ocr', 'a.b');

const wish: fc.Arbitrary<ResolvedSpecification> = fc
  .record({
    models: fc.dictionary(
      name,
      fc.record({
        path: fc.constantFrom('./here', './there'),
        aliases: fc.dictionary(fc.constantFrom('champion', 'candidate'), fc.constantFrom(1, 2), { maxKeys: 2 }),
      }),
      { maxKeys: 3 },
    ),
    deployments: fc.dictionary(
      name,
      fc.record({
        model: fc.constantFrom('digits', 'digits@champion', 'ocr:1'),
        replicas: fc.record({ min: fc.integer({ min: 0, max: 2 }), max: fc.integer({ min: 2, max: 4 }) }),
        resources: fc.record({ threads: fc.integer({ min: 1, max: 3 }) }),
      }),
      { maxKeys: 3 },
    ),
    limits: fc.record({ jsonDepthMax: fc.integer({ min: 1, max: 3 }) }),
  })
  .map((written) => {
    const parsed = specification.parse(written);
    const versions = [1, 2].map((version) => ({ version, digest: `sha256:${String(version).repeat(64)}` }));
    return {
      specification: parsed,
      models: Object.fromEntries(Object.keys(parsed.models).map((key) => [key, { versions }])),
    };
  });

const override = fc.record({
  path: fc
    .tuple(fc.constantFrom('deployments', 'models', 'mode'), name)
    .map(([section, key]) => `${section}.${key}.replicas`),
  value: fc.integer({ min: 0, max: 3 }),
  owner: fc.constant('ada'),
  at: fc.constant(1),
});

const nothing: PlanState = { applied: undefined, deployments: [], versions: [], aliases: [], overrides: [] };

/** What applying does, as plainly as can be. */
function applied(state: PlanState, resolved: ResolvedSpecification): PlanState {
  const { models, deployments } = resolved.specification;
  const added = Object.entries(resolved.models).flatMap(([model, { versions }]) =>
    versions.map(({ version, digest }) => ({ model, version, digest })),
  );
  const moved = Object.entries(models).flatMap(([model, { aliases }]) =>
    Object.entries(aliases).map(([alias, version]) => ({ model, alias, version })),
  );
  const dropped = new Set(droppedOverrides(state, resolved));
  return {
    applied: resolved,
    deployments: Object.entries(deployments).map(([key, value]) => ({
      name: key,
      specification: value,
      origin: { kind: 'specification' },
      desired: value.replicas.min,
    })),
    versions: [
      ...new Map([...state.versions, ...added].map((entry) => [`${entry.model}:${entry.version}`, entry])).values(),
    ],
    aliases: [
      ...new Map([...state.aliases, ...moved].map((entry) => [`${entry.model}@${entry.alias}`, entry])).values(),
    ],
    overrides: state.overrides.filter((entry) => !dropped.has(entry)),
  };
}

const state = fc
  .tuple(fc.option(wish), fc.uniqueArray(override, { selector: ({ path }) => path, maxLength: 3 }))
  .map(([before, overrides]): PlanState => {
    const { applied: last, deployments, versions, aliases } = before === null ? nothing : applied(nothing, before);
    return { applied: last, deployments, versions, aliases, overrides };
  });

/** A state is a set of records: their order says nothing. */
const sorted = ({ applied: last, deployments, versions, aliases, overrides }: PlanState): readonly unknown[] => [
  last ?? null,
  ...[deployments, versions, aliases, overrides].map((records) => records.map(canonicalJson).toSorted()),
];

test('law: what has been applied needs no change', () => {
  fc.assert(
    fc.property(state, wish, (before, wanted) => {
      const after = applied(before, wanted);
      const { changes, overridesDropped } = plan(after, wanted);
      assert.deepEqual([changes, overridesDropped], [[], []]);
    }),
  );
});

test('law: every deployment that differs is in the plan, and every line of it can be read', () => {
  fc.assert(
    fc.property(state, wish, (before, wanted) => {
      const { changes } = plan(before, wanted);
      const subjects = changes.map(({ subject }) => subject);
      for (const [key, value] of Object.entries(wanted.specification.deployments)) {
        const there = before.deployments.find((record) => record.name === key)?.specification;
        const touched = subjects.some(
          (subject) => subject === `deployments.${key}` || subject.startsWith(`deployments.${key}.`),
        );
        if (canonicalJson(there) !== canonicalJson(value)) assert.ok(touched, key);
      }
      for (const { text } of changes) assert.match(text, /^\S.+\S$/);
    }),
  );
});

test('law: the fingerprint changes if and only if a side does', () => {
  fc.assert(
    fc.property(state, state, wish, wish, (left, right, one, other) => {
      const same = canonicalJson([sorted(left), one]) === canonicalJson([sorted(right), other]);
      assert.equal(plan(left, one).fingerprint === plan(right, other).fingerprint, same);
      assert.equal(plan(structuredClone(left), structuredClone(one)).fingerprint, plan(left, one).fingerprint);
    }),
  );
});

test('a webhook, a signal or a playbook that differs is in the plan by its name', () => {
  const wishOf = (alerts: object): ResolvedSpecification => ({
    specification: specification.parse({ alerts }),
    models: {},
  });
  const webhooks = { alertmanager: { bearer: { env: 'A' } } };
  const match = { alertname: 'Slow' };
  const before = wishOf({ webhooks, playbooks: { tell: { match, firing: { notify: { url: 'http://a' } } } } });
  const after = wishOf({
    webhooks: { alertmanager: { bearer: { env: 'B' } } },
    signals: { slow: { match } },
    playbooks: {},
  });
  const state = { applied: before, deployments: [], versions: [], aliases: [], overrides: [] };
  assert.deepEqual(
    plan(state, after).changes.map(({ text }) => text),
    ['changes alerts.webhooks.alertmanager', 'adds alerts.signals.slow', 'removes alerts.playbooks.tell'],
  );
  assert.deepEqual(plan(state, before).changes, []);
});
