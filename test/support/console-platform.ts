/** A platform for looking at: simulated models that start at once, under the names that a test gives, without waiting. */
import { startPlatform, type Platform } from './platform.ts';

const model = (serviceMs: number): string => `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: ${serviceMs}
`;

export interface ConsolePlatform {
  /** By name: what the specification says of each, besides its model. */
  readonly deployments: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  /** What the specification says otherwise: `auth`, for instance. */
  readonly specification?: Readonly<Record<string, unknown>>;
  readonly serviceMs?: number;
}

export async function startConsolePlatform(wanted: ConsolePlatform): Promise<Platform> {
  const text = model(wanted.serviceMs ?? 20);
  const deployments = Object.entries(wanted.deployments).map(([name, rest]) => [name, { model: 'slow', ...rest }]);
  const platform = await startPlatform({
    models: { 'slow/1/model.yaml': text, 'slow/model.yaml': text },
    specification: {
      models: { slow: { path: './models/slow' } },
      deployments: Object.fromEntries(deployments),
      ...wanted.specification,
    },
  });
  await platform.serving();
  return platform;
}
