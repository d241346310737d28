/**
 * `flyball deploy`: serves a model file, a model folder or a whole specification, tells each step with its time, and
 * ends when it answers. A model alone becomes an override that the specification drops when it is deployed next.
 */
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { OperationView, StatusView } from '../../api/schemas.ts';
import type { DeploymentDefaults } from '../../config/model-file.ts';
import { namePattern } from '../../config/specification.ts';
import { readLocalModel } from '../../registry/model-folder.ts';
import { applySpecification, finish } from '../apply.ts';
import { parseCount, parseDurationMs } from '../arguments.ts';
import { apiKeyOf, caller, connect, gatewaysOf, inferenceTls } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { flag, stringOption, type Invocation, type OptionValues } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { firstAnswer, type FirstAnswer } from '../first-answer.ts';
import { firstReachable } from '../fleet/reachable.ts';
import { modelName } from '../model-name.ts';
import { formatOf, print } from '../output.ts';
import { generatedIn, loadFrom, prepare, tellNotes, uploadVersion } from '../prepare.ts';
import { progressOn, type Progress } from '../progress.ts';
import { milliseconds } from '../../units.ts';
import { scale } from './scale.ts';

const replicasMax = 1000;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [what] = positionals;
  const path = what === undefined ? undefined : resolve(terminal.cwd, what);
  const replicas = stringOption(values, 'replicas');
  if (replicas !== undefined) {
    refuseBesideReplicas(values, what);
    const count = parseCount(replicas, '--replicas', 0, replicasMax);
    return await scale(invocation, what ?? '', count);
  }
  const client = connect(invocation);
  const progress = progressOn(terminal);
  const timeoutMs = parseDurationMs(stringOption(values, 'timeout') ?? '5m', '--timeout');
  const following = { wait: !flag(values, 'no-wait'), timeoutMs };
  const isSpecification = path === undefined || (/\.ya?ml$/.test(path) && !(await isModelBySettings(path)));
  let operation: OperationView;
  let names: readonly string[] | undefined;
  if (isSpecification) {
    refuseModelOptions(values);
    const loaded = await loadFrom(what, terminal);
    names = Object.keys(loaded.specification.deployments);
    const prepared = await prepare(loaded, await generatedIn(client, invocation), progress, signal);
    const options = { ...following, by: caller(terminal.env), fingerprint: stringOption(values, 'plan') };
    operation = await applySpecification(client, prepared, options, progress, signal);
  } else {
    operation = await deployModel(client, path, invocation, following, progress);
  }
  const status = await client.status(signal);
  const access = { apiKey: apiKeyOf(invocation), tls: inferenceTls(invocation, 'http') };
  const gateways = gatewaysOf(invocation, 'http');
  const http = gateways === undefined ? status.listeners['http']?.url : await firstReachable(gateways);
  const addresses = await addressesOf(names ?? [operation.subject], status, http, following.wait, access, signal);
  await print(terminal, formatOf(values), {
    data: { operation, addresses },
    items: addresses,
    names: () => addresses.map(({ deployment }) => deployment),
    table: () => addressesText(addresses),
  });
  if (operation.state === 'running')
    terminal.stderr.write(`     operation ${operation.id} goes on; watch it: flyball status -w\n`);
  return exitCodes.done;
}

/** A model.yaml of the platform `simulated` or `server` is a model by itself; any other YAML is a specification. */
async function isModelBySettings(path: string): Promise<boolean> {
  const { readFile } = await import('node:fs/promises');
  const text = await readFile(path, 'utf8').catch(() => '');
  return /^platform:\s*(simulated|server)\b/m.test(text);
}

const modelOptions = ['name', 'slo', 'min', 'max', 'idle'];

function refuseBesideReplicas(values: OptionValues, what: string | undefined): void {
  if (what === undefined || !namePattern.test(what) || /\.(ya?ml|onnx)$/.test(what))
    throw new UsageError(
      `--replicas scales a deployment that runs; expected its name, got ${what ?? 'none'}`,
      'for a model file say --min and --max',
    );
  const given = [...modelOptions, 'plan'].find((option) => values[option] !== undefined);
  if (given !== undefined) throw new UsageError(`--${given} changes nothing beside --replicas`);
}

function refuseModelOptions(values: OptionValues): void {
  const given = modelOptions.find((option) => values[option] !== undefined);
  if (given !== undefined)
    throw new UsageError(
      `--${given} is for a model file; in a specification it is written down`,
      'flyball explain deployments',
    );
}

async function deployModel(
  client: ControlClient,
  path: string,
  { terminal, values, signal }: Invocation,
  following: { readonly wait: boolean; readonly timeoutMs: number },
  progress: Progress,
): Promise<OperationView> {
  if (values['plan'] !== undefined) throw new UsageError('--plan is for a specification');
  const name = stringOption(values, 'name') ?? modelName(path);
  if (!namePattern.test(name))
    throw new UsageError(`${name} cannot be a name: 1 to 63 of a-z A-Z 0-9 . _ -`, 'give another with --name');
  const slo = sloOf(stringOption(values, 'slo'));
  await stat(path).catch(() => {
    throw new UsageError(`there is no ${path}`, 'expected an .onnx file, a model folder or a specification');
  });
  const by = caller(terminal.env);
  const versions = await readLocalModel(path, undefined, signal);
  // What is deployed by the model's name alone is its newest version.
  const defaults = versions.at(-1)?.settings.deployment;
  const replicas = bounds(values, defaults?.replicas);
  tellNotes(name, versions, progress);
  for (const version of versions)
    await uploadVersion(client, name, version, version.version, { by, source: path }, progress, signal);
  const deployment = { ...defaults, model: name, replicas, ...(slo === undefined ? {} : { slo: { p99Ms: slo } }) };
  const started = await client.deploy(name, { deployment, by }, signal);
  return await finish(client, started, following, progress, signal);
}

/** Options first, then what the model says of its deployments. */
function bounds(
  values: OptionValues,
  defaults: DeploymentDefaults['replicas'],
): { min: number; max: number; idleMs?: number } {
  const most = stringOption(values, 'max');
  const usual = Math.min(defaults?.min ?? 1, most === undefined ? replicasMax : Number(most) || 1);
  const min = parseCount(stringOption(values, 'min') ?? String(usual), '--min', 0, replicasMax);
  const max = parseCount(most ?? String(Math.max(1, min, defaults?.max ?? 1)), '--max', 1, replicasMax);
  if (min > max) throw new UsageError(`--min ${min} is above --max ${max}`);
  const idle = stringOption(values, 'idle');
  if (idle === undefined) return { min, max };
  if (min > 0) throw new UsageError('--idle is for what may go to sleep: it needs --min 0');
  return { min, max, idleMs: parseDurationMs(idle, '--idle') };
}

/** `p99=50ms` → 50. */
function sloOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const match = /^p99=(.+)$/.exec(text);
  if (match === null) throw new UsageError(`--slo expects p99=TIME such as p99=50ms, got ${text}`);
  return parseDurationMs(match[1] ?? '', '--slo p99');
}

interface Address {
  readonly deployment: string;
  readonly url: string;
  readonly state: string;
  readonly firstAnswerMs: number | null;
  /** Why there is no first answer. */
  readonly problem?: string;
}

async function addressesOf(
  names: readonly string[],
  status: StatusView,
  http: string | undefined,
  waited: boolean,
  access: Parameters<typeof firstAnswer>[2],
  signal: AbortSignal,
): Promise<readonly Address[]> {
  const concerned = status.deployments.filter(({ name }) => names.includes(name));
  if (http === undefined) return [];
  return await Promise.all(
    concerned.map(async ({ name, state, counts }) => {
      const asked = waited && counts.ready > 0;
      const answer: FirstAnswer = asked ? await firstAnswer(http, name, access, signal) : { kind: 'none' };
      const address = { deployment: name, url: `${http}/v2/models/${name}`, state };
      if (answer.kind === 'answered') return Object.assign(address, { firstAnswerMs: answer.ms });
      if (answer.kind === 'failed') return Object.assign(address, { firstAnswerMs: null, problem: answer.reason });
      return Object.assign(address, { firstAnswerMs: null });
    }),
  );
}

function addressesText(addresses: readonly Address[]): string {
  const width = Math.max(...addresses.map(({ url }) => url.length));
  return addresses
    .map(({ url, state, firstAnswerMs, problem }) => {
      const answer = firstAnswerMs === null ? state : `first answer ${milliseconds(firstAnswerMs)}`;
      const mark = firstAnswerMs === null ? '    ' : ' ok ';
      return `${mark} ${url.padEnd(width)}   ${answer}${problem === undefined ? '' : `: ${problem}`}\n`;
    })
    .join('');
}
