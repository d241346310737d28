/** A platform for looking at: simulated models that start at once, under the names that a test gives, without waiting. */
import { v2 } from './ask.ts';
import { startPlatform, type Platform } from './platform.ts';
import type { LoadTarget } from './steady-load.ts';

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

/** Grows to three as soon as it is loaded, by its own decision, and stays so. */
export function growing(parameters: Readonly<Record<string, number>> = {}) {
  return {
    replicas: { min: 1, max: 3 },
    batching: { sizeMax: 1 },
    scaling: {
      policy: 'ray',
      parameters: {
        targetOngoingRequests: 2,
        upscaleDelaySeconds: 0,
        downscaleDelaySeconds: 300,
        lookBackSeconds: 2,
        ...parameters,
      },
      mode: 'auto',
      modeReason: 'a test',
    },
  } as const;
}

/** For `startLoad`: as many callers as make it grow to three, and as three can take: more would be growth that did not help. */
export const call = ({ http }: Platform, deployment: string): LoadTarget => ({
  url: `${http}/v2/models/${deployment}/infer`,
  method: 'POST',
  body: v2({ name: 'x', datatype: 'FP32', shape: [1, 1], data: [1] }),
  callers: 6,
  thinkMs: 0,
});
