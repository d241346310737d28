/**
 * A platform on which everything that can go wrong with a fleet does: replicas that never come, a version that takes over
 * for ever, a model that cannot be loaded. It asks for keys, so that each act has a person.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Page } from 'playwright-core';
import { unknownOperator } from '../fixtures/models.ts';
import { startPlatform, until, type Platform } from './platform.ts';

const script = fileURLToPath(new URL('../../src/testing/foreign-server.ts', import.meta.url));

const simulated = `
platform: simulated
simulated:
  inputs: [{ name: x, datatype: FP32, shape: [-1, 1] }]
  outputs: [{ name: y, datatype: FP32, shape: [-1, 1] }]
  serviceMs: 5
`;

/** A server of which the first alone becomes ready; whoever comes later finds the folder there, and waits for ever. */
export const firstAlone = (folder: string, model: string): Readonly<Record<string, unknown>> => {
  const serve = `exec '${process.execPath}' '${script}' --port {port} --model ${model}`;
  return { command: ['sh', '-c', `mkdir '${folder}/${model}' 2>/dev/null && ${serve} || exec sleep 3600`] };
};

export interface ComplaintPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly admin: string;
  /** Made for a person; returns its secret. */
  keyFor(name: string, ...scopes: readonly string[]): Promise<string>;
  api<Answer>(method: string, path: string, body?: object): Promise<Answer>;
}

export async function startComplaintPlatform(): Promise<ComplaintPlatform> {
  const folder = mkdtempSync(join(tmpdir(), 'flyball-first-'));
  const servers = Object.fromEntries(
    ['stalled', 'updated'].map((name) => [name, { server: firstAlone(folder, name) }]),
  );
  const scaling = { policy: 'fixed', parameters: { count: 2 }, mode: 'approve', modeReason: 'a test' };
  const platform = await startPlatform({
    models: { 'slow/1/model.yaml': simulated, 'slow/model.yaml': simulated, 'unloadable.onnx': unknownOperator() },
    specification: {
      auth: { keys: 'required' },
      models: { slow: { path: './models/slow' }, ...servers },
      deployments: {
        plain: { model: 'slow' },
        asked: { model: 'slow', replicas: { min: 1, max: 3 }, scaling },
        stalled: { model: 'stalled', replicas: { min: 1, max: 12 } },
        updated: { model: 'updated' },
      },
    },
  });
  const dispose = async (): Promise<void> => {
    await platform[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await platform.serving();
  } catch (error) {
    await dispose();
    throw error;
  }
  const admin = platform.adminKey() ?? '';
  const api = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const answer = await fetch(`${platform.control}/api/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Answer;
  };
  const keyFor = async (name: string, ...scopes: readonly string[]): Promise<string> =>
    (await api<{ secret: string }>('POST', '/keys', { name, scopes, by: 'test' })).secret;
  return { platform, admin, api, keyFor, [Symbol.asyncDispose]: dispose };
}

/** From whatever page asks for a key to the one that was wanted. */
export async function signIn(page: Page, key: string): Promise<void> {
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in' }).click();
  await page.locator('.governor').getByText('live').waitFor();
}

/** Of what the page shows of a deployment, on Now. */
export const stateOf = async ({ platform }: ComplaintPlatform, name: string, wanted: RegExp): Promise<string> =>
  until(`${name} to be ${wanted.source}`, async () => {
    const { state } = (await platform.status()).deployments.find((each) => each.name === name) ?? {};
    return state !== undefined && wanted.test(state) ? state : undefined;
  });
