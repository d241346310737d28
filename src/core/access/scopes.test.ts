import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { holds, scopes, whyNot, type Grant, type Need, type Scope } from './scopes.ts';

test('the lattice: admin holds everything, operate holds read, infer and read hold only themselves', () => {
  const held = (own: Scope): Scope[] => scopes.filter((scope) => holds({ scopes: [own] }, scope));
  assert.deepEqual(held('infer'), ['infer']);
  assert.deepEqual(held('read'), ['read']);
  assert.deepEqual(held('operate'), ['read', 'operate']);
  assert.deepEqual(held('admin'), ['infer', 'read', 'operate', 'admin']);
});

const someScopes = fc.uniqueArray(fc.constantFrom(...scopes), { minLength: 1 });
const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { minLength: 1 });
const grants: fc.Arbitrary<Grant> = fc.record({
  scopes: someScopes,
  deployments: fc.option(names, { nil: undefined }),
});
const needs: fc.Arbitrary<Need> = fc.record({
  anyOf: someScopes,
  deployment: fc.option(fc.constantFrom('a', 'b', 'c', 'd'), { nil: undefined }),
});

test('one more scope, one more deployment, or no limit to them never takes anything away', () => {
  fc.assert(
    fc.property(grants, needs, fc.constantFrom(...scopes), (grant, need, scope) => {
      if (whyNot(grant, need) !== undefined) return;
      assert.equal(whyNot({ ...grant, scopes: [...grant.scopes, scope] }, need), undefined);
      assert.equal(whyNot({ ...grant, deployments: undefined }, need), undefined);
      if (grant.deployments !== undefined)
        assert.equal(whyNot({ ...grant, deployments: [...grant.deployments, 'e'] }, need), undefined);
    }),
  );
});

test('a key for some deployments has nothing to do with another, nor with the platform as a whole', () => {
  const grant: Grant = { scopes: ['operate', 'infer'], deployments: ['digits'] };
  assert.equal(whyNot(grant, { anyOf: ['infer'], deployment: 'digits' }), undefined);
  assert.match(whyNot(grant, { anyOf: ['infer'], deployment: 'faces' }) ?? '', /only digits/);
  assert.match(whyNot(grant, { anyOf: ['read'] }) ?? '', /whole platform/);
  assert.match(whyNot(grant, { anyOf: ['admin'], deployment: 'digits' }) ?? '', /scope admin, got .* operate, infer/);
});
