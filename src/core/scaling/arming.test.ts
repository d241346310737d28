import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judgeRehearsal, rehearsalMsMax, type Armed, type Rehearsed } from './arming.ts';

const at = 1_800_000_000_000;
const rehearsed: Rehearsed = {
  deployment: 'digits',
  at,
  min: 1,
  max: 8,
  tolerated: 0.01,
  objective: { latencyMs: 200, deadlineMs: 30_000 },
  constraints: { downStabilizationMs: 60_000, upRate: { percent: 50, periodMs: 60_000 }, budget: null },
  policies: [
    { name: 'slo', parameters: {}, violationFraction: 0.004 },
    { name: 'hpa', parameters: { cpuPercent: 70, tolerance: 0.1 }, violationFraction: 0.02 },
  ],
};
const armed: Armed = {
  deployment: 'digits',
  policy: 'slo',
  parameters: {},
  min: 1,
  max: 8,
  latency: { kind: 'declared', ms: 200 },
  deadlineMs: 30_000,
  constraints: { downStabilizationMs: 60_000, upRate: { periodMs: 60_000, percent: 50 }, budget: null },
};

test('the own policy in its own bounds fits, and has passed if it kept what was tolerated', () => {
  assert.deepEqual(judgeRehearsal(rehearsed, armed, at), {
    kind: 'fits',
    policy: rehearsed.policies[0],
    passed: true,
    sameBuild: true,
  });
  const said = { ...armed, parameters: { tolerated: 0.01 } };
  assert.equal(judgeRehearsal(rehearsed, said, at).kind, 'fits', 'a default that is said is the same');
  const hpa = { ...armed, policy: 'hpa', parameters: { tolerance: 0.1, cpuPercent: 70 } };
  const verdict = judgeRehearsal(rehearsed, hpa, at + rehearsalMsMax);
  assert.ok(verdict.kind === 'fits' && !verdict.passed);
});

test('an objective that was measured may be measured a little otherwise, and one that is not known is no difference', () => {
  for (const latency of [{ kind: 'measured', ms: 220 } as const, undefined])
    assert.equal(judgeRehearsal(rehearsed, { ...armed, latency }, at).kind, 'fits');
});

test('one that does not say what it was rehearsed with arms nothing', () => {
  for (const without of [{ objective: undefined }, { constraints: undefined }]) {
    const verdict = judgeRehearsal({ ...rehearsed, ...without }, armed, at);
    assert.ok(verdict.kind === 'unfit');
    assert.match(verdict.problem, /does not say by which objective and constraints/);
  }
});

test('another deployment, policy, setting or bound, and one that is old, do not fit, and it says which', () => {
  const cases: readonly (readonly [Partial<Armed>, number, RegExp])[] = [
    [{ deployment: 'ocr' }, at, /it is of digits, and not of ocr/],
    [{ policy: 'kpa' }, at, /it has not tried kpa/],
    [{ policy: 'hpa', parameters: { cpuPercent: 50 } }, at, /tried hpa with other parameters than \{"cpuPercent":50\}/],
    [{ parameters: { tolerated: 0.05 } }, at, /tried slo with other parameters/],
    [{ latency: { kind: 'declared', ms: 199 } }, at, /it had an objective of 200 ms, and digits has 199 ms/],
    [{ latency: { kind: 'measured', ms: 300 } }, at, /it had an objective of 200 ms, and digits has 300 ms/],
    [{ latency: { kind: 'measured', ms: Number.NaN } }, at, /an objective of 200 ms/],
    [{ deadlineMs: 1000 }, at, /it had a deadline of 30000 ms, and digits has 1000 ms/],
    [
      { constraints: { ...armed.constraints, downStabilizationMs: 0 } },
      at,
      /it had scaling\.downStabilizationMs 60000, and digits has 0/,
    ],
    [
      { constraints: { ...armed.constraints, upRate: null } },
      at,
      /it had scaling\.upRate \{"percent":50,"periodMs":60000\}, and digits has null/,
    ],
    [{ constraints: { ...armed.constraints, blastRadius: 0.5 } }, at, /scaling\.blastRadius null, and digits has 0\.5/],
    [{ max: 9 }, at, /it had 1 to 8 replicas, and digits has 1 to 9/],
    [{}, at + rehearsalMsMax + 1, /it is 168 hours old, expected at most 168/],
  ];
  for (const [changed, now, words] of cases) {
    const verdict = judgeRehearsal(rehearsed, { ...armed, ...changed }, now);
    assert.ok(verdict.kind === 'unfit', words.source);
    assert.match(verdict.problem, words);
  }
});

test('other decision code is told apart, where both say which they are', () => {
  const sameBuild = (made: string | undefined, runs: string | undefined): boolean => {
    const verdict = judgeRehearsal({ ...rehearsed, build: made }, { ...armed, build: runs }, at);
    assert.ok(verdict.kind === 'fits');
    return verdict.sameBuild;
  };
  assert.ok(sameBuild('9c1f', '9c1f'));
  assert.ok(!sameBuild('9c1f', '77aa'));
  assert.ok(sameBuild(undefined, '77aa') && sameBuild('9c1f', undefined));
});
