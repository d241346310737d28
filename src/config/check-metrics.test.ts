/** `scaling.metrics`: what is refused, in words that say what was expected, and where a token's file is looked for. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadSpecification, parseSpecification } from './load.ts';

const of = (metric: string, policy = 'hpa'): string =>
  `deployments: {d: {model: m, scaling: {policy: ${policy}, metrics: {jobs: {url: "http://p:9090", query: x, ${metric}}}}}}`;
const problem = (text: string): string => {
  try {
    parseSpecification(text, 'flyball.yaml');
    return '';
  } catch (error) {
    return (error as Error).message.replace(/^flyball\.yaml:\d+:\d+: deployments\.d\.scaling\.metrics\.?/, '');
  }
};

test('a figure needs a meaning, one, and one that its policy can take', () => {
  assert.equal(problem(of('perReplica: 5')), '');
  assert.equal(problem(of('perReplica: 5', 'keda')), '');
  assert.equal(problem(of('multiplier: {max: 2}', 'slo')), '');
  for (const metric of ['intervalMs: 5000', 'perReplica: 5, multiplier: {}'])
    assert.match(problem(of(metric)), /^jobs: expected what it means: perReplica or multiplier, one of them/);
  assert.match(
    problem(of('perReplica: 5', 'slo')),
    /^jobs\.perReplica: is for the policies hpa and keda, got slo; any policy takes a multiplier/,
  );
  assert.match(problem(of('multiplier: {min: 3, max: 2}')), /multiplier\.min must not be above multiplier\.max/);
  assert.match(problem(of('perReplica: 0')), /^jobs\.perReplica: /);
  assert.match(problem(of('perReplica: 5, intervalMs: 10')), /^jobs\.intervalMs: /);
});

test('a token is in a file or in a variable', () => {
  assert.equal(problem(of('perReplica: 5, bearer: {env: TOKEN}')), '');
  assert.match(problem(of('perReplica: 5, bearer: {}')), /^jobs\.bearer: expected where the secret is: file or env/);
});

test('an address is that of one server or of two, without a password', () => {
  const at = (url: string): string => problem(of('perReplica: 5').replace('"http://p:9090"', url));
  assert.equal(at('["http://a", "https://b/prometheus"]'), '');
  for (const url of ['"ftp://a"', '"http://me:secret@a"', '[]', '["http://a", "http://b", "http://c"]'])
    assert.notEqual(at(url), '', url);
});

test('a token is looked for beside the specification', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'fb-'));
  try {
    const path = join(folder, 'flyball.yaml');
    await writeFile(path, of('perReplica: 5, bearer: {file: ./token}'));
    const { specification } = await loadSpecification(path);
    const { metrics } = specification.deployments['d']?.scaling ?? {};
    assert.equal(metrics?.['jobs']?.bearer?.file, join(folder, 'token'));
  } finally {
    await rm(folder, { recursive: true });
  }
});
