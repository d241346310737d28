/**
 * A platform that is wholly on a testbed's Swarm, as its operator has it: a folder with the specification and a data
 * directory, the command line, a call to each node's gateway, and what callers notice meanwhile. Its one deployment is `steady`.
 */
import { readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { stringify } from 'yaml';
import type { StatusView } from '../../src/api/schemas.ts';
import type { Testbed } from '../../testbed/testbed.ts';
import { runCli, type CliResult } from './cli.ts';
import { dockerCommand, simulatedVersion } from './fleet.ts';
import { until as untilWithin } from './platform.ts';
import { startTwoAddressLoad, type TwoAddressReport } from './two-addresses.ts';

/** A crowded machine makes this longer, and nothing else. */
export const until = <T>(what: string, check: () => T | undefined | Promise<T | undefined>): Promise<T> =>
  untilWithin(what, check, 150_000);

export const secondsSince = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

/** Of a load: at most so many requests are under way at any moment. */
export const callers = 4;
const path = '/v2/models/steady/infer';
const input = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [1, 2, 3, 4] }] });

export interface Stack extends AsyncDisposable {
  readonly folder: string;
  readonly specification: string;
  /** Writes it: `more` beside what each has. */
  write(more: Readonly<Record<string, unknown>>): Promise<void>;
  flyball(...args: readonly string[]): Promise<CliResult>;
  status(): Promise<StatusView>;
  /** Containers of a label, as a node's engine has them. */
  containers(node: number, label: string): readonly string[];
  /** The status with which the gateway of a node answers. */
  answers(node: number): Promise<number>;
  servedAt(node: number): Promise<true>;
  /** Requests to two nodes all the while, from before `act` until a hundred more have been answered after it. */
  underLoad(t: TestContext, nodes: readonly [number, number], act: () => Promise<string>): Promise<TwoAddressReport>;
}

export async function openStack(testbed: Testbed, name: string): Promise<Stack> {
  const folder = await mkdtemp(join(tmpdir(), 'fb-stack-'));
  const [specification, data] = [join(folder, 'flyball.yaml'), join(folder, 'data')];
  await mkdir(join(folder, 'models/steady/1'), { recursive: true });
  await writeFile(join(folder, 'models/steady/1/model.yaml'), simulatedVersion(5));
  const address = (node: number): string => `http://${testbed.node(node).address}:8000`;
  const key = (): string => readFileSync(join(data, 'admin.key'), 'utf8').trim();
  const flyball = (...args: readonly string[]): Promise<CliResult> =>
    runCli([...args, '--data-dir', data], { FLYBALL_API_KEY: '' }, undefined, 300_000);

  async function answers(node: number): Promise<number> {
    const response = await fetch(`${address(node)}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${key()}` },
      body: input,
      signal: AbortSignal.timeout(5000),
    });
    await response.text();
    return response.status;
  }

  return {
    folder,
    specification,
    flyball,
    answers,
    write: (more) =>
      writeFile(
        specification,
        stringify({
          name,
          auth: { keys: 'required' },
          orchestrator: { socket: testbed.node(1).socketPath },
          models: { steady: { path: './models/steady', aliases: { champion: 1 } } },
          ...more,
        }),
      ),
    async status() {
      const { code, stdout, stderr } = await flyball('status', '-o', 'json');
      if (stdout === '') throw new Error(`status ended with ${code}: ${stderr}`);
      return JSON.parse(stdout) as StatusView;
    },
    containers: (node, label) =>
      dockerCommand(testbed, node, 'ps', '-q', '--no-trunc', '--filter', `label=${label}`).split('\n').filter(Boolean),
    servedAt: (node) =>
      until(`an answer of node ${node}`, async () => ((await answers(node)) === 200 ? true : undefined)),
    async underLoad(t, [one, other], act) {
      await using load = startTwoAddressLoad([address(one), address(other)], path, input, callers, key());
      await load.passed(50);
      const said = await act();
      await load.passed(100);
      const report = await load.stop();
      t.diagnostic(
        `${said}; ${report.ok} answered, ${report.failures.length} by neither address, ${report.turned.length} went to the other ` +
          `(${[...new Set(report.turned.map(({ why }) => why))].join(', ') || '-'}), slowest ${report.slowestMs.toFixed(0)} ms`,
      );
      return report;
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
