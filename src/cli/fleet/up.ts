/**
 * `flyball up --orchestrator swarm`: puts gateways, control and replicas on a Swarm, brings the models there through control,
 * and ends when every gateway serves them. Again with another specification it changes what is different, in place.
 * What it is made of is decided in drivers/orchestrators/swarm/stack; here is the order of the steps, and who is told what.
 */
import { systemClock } from '../../clock.ts';
import type { ServiceSpec } from '../../drivers/orchestrators/swarm/engine.ts';
import { stackFiles } from '../../drivers/orchestrators/swarm/stack/files.ts';
import { keepFiles, labelOf, makeService, sweepFiles } from '../../drivers/orchestrators/swarm/stack/make.ts';
import { homesOf, type Role } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { stackServices } from '../../drivers/orchestrators/swarm/stack/services.ts';
import { watchService, type Watched } from '../../drivers/orchestrators/swarm/stack/watch.ts';
import { FlyballError } from '../../errors.ts';
import { localKey } from '../connect.ts';
import { controlClient, type ControlClient } from '../control-client.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { generatedFolder, prepare, type Prepared } from '../prepare.ts';
import { progressOn, type Progress } from '../progress.ts';
import { statusStyle } from '../terminal.ts';
import { tlsAccess } from '../tls-access.ts';
import { untilServed } from './gateways.ts';
import { writeStack } from './write.ts';
import { stackMaterial } from './material.ts';
import { openFleet, type OpenedFleet } from './order.ts';
import { rememberFleet } from './remembered.ts';
import { addressesOf, fleetText, gatewayUrl } from './text.ts';

/** Applies a specification through control, as `up` does everywhere; its code tells of a model that cannot be served. */
export type Deploy = (
  client: ControlClient,
  prepared: Prepared,
  progress: Progress,
  signal: AbortSignal,
) => Promise<ExitCode>;

/** Of one service: an image that has to be pulled takes its time. */
const serviceMsMax = 5 * 60_000;
const answerMsMax = 60_000;

export async function upOnSwarm(invocation: Invocation, deploy: Deploy): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const other = ['detach', 'demo'].find((option) => flag(values, option));
  if (other !== undefined)
    throw new UsageError(`--${other} is for a platform of this machine`, 'flyball up SPEC --orchestrator swarm');
  const aborted = new AbortController();
  const unsubscribe = terminal.onInterrupt(() => aborted.abort());
  try {
    return await put(invocation, deploy, aborted.signal);
  } catch (error) {
    if (!aborted.signal.aborted) throw error;
    const words = 'stopped waiting; what has been made stays: `flyball up` goes on with it, `flyball down` removes it';
    terminal.stderr.write(`\n  ${words}\n`);
    return exitCodes.interrupted;
  } finally {
    unsubscribe();
  }
}

async function put(invocation: Invocation, deploy: Deploy, signal: AbortSignal): Promise<ExitCode> {
  const { terminal } = invocation;
  const progress = progressOn(terminal);
  // Whatever can be refused is refused before anything is made.
  await using fleet = await openFleet(invocation);
  const { order, engine, nodes, found, loaded, authority, dataDirectory, notes } = fleet;
  const { specification, image } = order;
  const { name, orchestrator } = specification;
  const folder = stringOption(invocation.values, 'write');
  if (folder !== undefined) return await writeStack(fleet, folder, terminal);
  const prepared = await prepare(loaded, generatedFolder(dataDirectory), progress, signal);
  const homes = homesOf(order).map((node) => node.name);
  progress.note(
    `${found.services.size > 0 ? 'changing' : 'putting'} ${name} ${found.services.size > 0 ? 'on' : 'onto'} a Swarm of ${nodes.length} ` +
      `node${nodes.length === 1 ? '' : 's'}: control on ${homes.join(' or ')}, a gateway on each, image ${image}`,
  );
  for (const note of notes) progress.note(note);

  const files = progress.begin('secrets and configs');
  const hasIdentity = found.identity !== undefined;
  const material = await stackMaterial(specification, dataDirectory, authority, {
    hasIdentity,
    at: systemClock.wall(),
  });
  const kept = await keepFiles(engine, name, stackFiles(specification, material));
  const placed = found.identity === undefined ? kept : [...kept, found.identity];
  const count = (kind: string): number => placed.filter((file) => file.kind === kind).length;
  files.end('ok', `${count('secret')} secrets and ${count('config')} configs; their originals are in ${dataDirectory}`);

  const services = stackServices(order, placed);
  // Before anything runs: what does not come up is to be found by `flyball down`, too.
  rememberFleet(dataDirectory, {
    orchestrator: 'swarm',
    name,
    socket: orchestrator.socket,
    image,
    ...addressesOf(order, nodes),
  });
  const control = await make(fleet, 'control', services.control, progress, signal);
  const client = clientOf(invocation, fleet);
  await untilAnswers(client, progress, signal);
  const gateways = await make(fleet, 'gateway', services.gateway, progress, signal);
  await sweepFiles(engine, name, placed);
  const keyFile = specification.auth.keys === 'required' ? `${dataDirectory}/admin.key` : undefined;
  if (keyFile !== undefined)
    progress.note(`callers need a key; the first is in ${keyFile}, more: flyball keys create NAME`);

  const code = await deploy(client, prepared, progress, signal);
  const served = progress.begin('every gateway serves');
  const silent = await untilServed(
    gateways.up.map((node) => ({ node, url: gatewayUrl(order, node) })),
    await client.status(signal),
    { apiKey: keyOf(invocation, dataDirectory), tls: tlsAccess(invocation, certificateOf(fleet, 'http')) },
    signal,
  );
  if (silent.length === 0) served.end('ok');
  else
    served.end(
      'failed',
      `not served: ${silent.map(({ node, why }) => `at the gateway of ${node}: ${why}`).join('; ')}`,
    );
  const status = await client.status(signal);
  const given = stringOption(invocation.values, 'data-dir');
  const where = given === undefined ? '' : ` --data-dir ${given}`;
  terminal.stdout.write(fleetText(status, order, gateways.up, statusStyle(terminal), { where, keyFile }));
  const isWhole = [silent, gateways.down, control.down].every((missing) => missing.length === 0);
  return code === exitCodes.done && !isWhole ? exitCodes.failed : code;
}

/** Makes a service and waits until it runs wherever it is to run. SERVICE_NOT_RUNNING when it runs nowhere. */
async function make(
  { engine, order }: OpenedFleet,
  role: Role,
  spec: ServiceSpec,
  progress: Progress,
  signal: AbortSignal,
): Promise<Watched> {
  const { name: platform } = order.specification;
  const what = role === 'control' ? 'control' : 'gateways';
  const seen = new Set((await engine.tasks(labelOf(platform))).map(({ id }) => id));
  const step = progress.begin(what);
  const { Replicated } = spec.Mode;
  const watch = {
    engine,
    clock: systemClock,
    platform,
    spec,
    seen,
    timeoutMs: serviceMsMax,
    ...(Replicated === undefined ? {} : { count: Replicated.Replicas }),
    onTrouble: (text: string): void => progress.note(`${what}: ${text}`),
  };
  try {
    await makeService(engine, platform, spec);
    const watched = await watchService(watch, signal);
    if (watched.up.length === 0)
      throw new FlyballError('SERVICE_NOT_RUNNING', `${what}: nothing of it comes up; ${inWords(watched)}`);
    step.end(watched.down.length === 0 ? 'ok' : 'failed', `${what} ${inWords(watched)}`);
    return watched;
  } catch (error) {
    step.drop();
    throw error;
  }
}

function inWords({ up, down }: Watched): string {
  const on = up.map(({ name }) => name).toSorted();
  return [
    ...(on.length === 0 ? [] : [`on ${on.join(', ')}`]),
    ...down.map(({ node, why }) => `${node === undefined ? '' : `not on ${node}: `}${why}`),
  ].join('; ');
}

const certificateOf = ({ order }: OpenedFleet, name: 'control' | 'http'): string | undefined =>
  (order.specification.listeners[name].tls ?? order.specification.tls)?.certificate;

function keyOf({ terminal }: Invocation, dataDirectory: string): string | undefined {
  const given = terminal.env['FLYBALL_API_KEY'];
  return given === undefined || given === '' ? localKey(dataDirectory) : given;
}

function clientOf(invocation: Invocation, fleet: OpenedFleet): ControlClient {
  const [url = '', ...others] = addressesOf(fleet.order, fleet.nodes).control;
  return controlClient({
    url,
    others,
    apiKey: () => keyOf(invocation, fleet.dataDirectory),
    tls: tlsAccess(invocation, certificateOf(fleet, 'control')),
  });
}

/** A task that runs may still be opening its store, or wait for its lease. */
async function untilAnswers(client: ControlClient, progress: Progress, signal: AbortSignal): Promise<void> {
  const step = progress.begin(`control answers at ${client.url}`);
  const begun = performance.now();
  for (;;) {
    try {
      await client.status(signal);
      step.end('ok');
      return;
    } catch (error) {
      const isSoon = error instanceof FlyballError && error.retry && performance.now() - begun < answerMsMax;
      if (signal.aborted || !isSoon) {
        step.drop();
        throw error;
      }
    }
    await new Promise<void>((resolve) => void systemClock.after(pauseMs, resolve));
  }
}

const pauseMs = 200;
