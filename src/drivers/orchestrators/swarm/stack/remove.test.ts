import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../../../clock.ts';
import type { ServiceSpec, SwarmEngine } from '../engine.ts';
import { toolsSpec } from '../foreign-spec.ts';
import { labels } from '../service-spec.ts';
import { stackLabels } from './order.ts';
import { removeStack } from './remove.ts';

const { signal } = new AbortController();

test('a platform goes from its gateways to what its replicas needed, and nothing of another one goes with it', async () => {
  const service = (Name: string, Labels: Record<string, string>): ServiceSpec => ({
    Name,
    Labels,
    TaskTemplate: {},
    Mode: {},
  });
  const services = [
    toolsSpec({ name: 'p', image: 'flyball:1' }),
    toolsSpec({ name: 'other', image: 'flyball:1' }),
    service('p_digits', { [labels.platform]: 'p' }),
    service('p_control', { [stackLabels.stack]: 'p', [stackLabels.role]: 'control' }),
    service('p_gateway', { [stackLabels.stack]: 'p', [stackLabels.role]: 'gateway' }),
  ];
  const engine = {
    services: async (label: string) =>
      services
        .filter(({ Labels }) => Object.entries(Labels).some(([key, value]) => `${key}=${value}` === label))
        .map((spec) => ({ id: spec.Name, version: 1, spec })),
    removeService: async (id: string) =>
      void services.splice(
        services.findIndex(({ Name }) => Name === id),
        1,
      ),
    tasks: async () => [],
    nodes: async () => [],
    secrets: async () => [],
    configs: async () => [],
  } as unknown as SwarmEngine;
  const removal = { engine, clock: systemClock, platform: 'p', timeoutMs: 1000, onStep: () => {} };
  const gone = await removeStack(removal, signal);
  assert.match(gone.join(' '), /^p_gateway p_control p_digits p_tools-\w+$/);
  assert.match(services.map(({ Name }) => Name).join(' '), /^other_tools-\w+$/);
  assert.deepEqual(await removeStack(removal, signal), []);
});
