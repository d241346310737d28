/** A platform whose load goes to sinks of line protocol, for the tests that read what arrives there. */
import assert from 'node:assert/strict';
import { ask, v2 } from './ask.ts';
import type { startPlatform, Platform } from './platform.ts';

const model = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 2
`;
export const body = v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] });
export const requests = 12;
/** Sinks look every second; the machine may be slow. */
export const lookMs = 60_000;

export function served(influx: readonly object[]): Parameters<typeof startPlatform>[0] {
  return {
    models: { 'm/model.yaml': model, 'm/1/README': 'simulated' },
    specification: {
      models: { m: { path: './models/m' } },
      deployments: { shop: { model: 'm', replicas: { min: 1, max: 3 }, slo: { p99Ms: 500 } } },
      telemetry: { influx },
    },
  };
}

export async function infer(platform: Platform, count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    const { status } = await ask(`${platform.http}/v2/models/shop/infer`, { body });
    assert.equal(status, 200);
  }
}

export const sinkOf = async (platform: Platform, name: string) => {
  const found = (await platform.status()).sinks?.find((sink) => sink.name === name);
  assert.ok(found !== undefined);
  return found;
};
