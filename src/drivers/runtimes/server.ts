/**
 * Another server as a replica: any process that speaks the Open Inference Protocol V2, TorchServe's REST or KServe's V1,
 * started by a command or only reached at an address. This side starts it, waits until it is ready, passes calls on one
 * at a time, asks after its health while it is idle, and ends it with everything that it has started.
 *
 *   starting ──ready within startMs──▶ serving ──exit, a call over callMs, three missed asks──▶ ended
 *
 * While a call runs nobody asks: a server with one thread answers nothing then and is well all the same.
 * Invariant: when the load fails or the model is closed, nothing that was started here is left.
 */
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { constants } from 'node:fs';
import { dirname, join } from 'node:path';
import { systemClock, type Clock } from '../../clock.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { isDeclared, type ModelSignature, type Tensor } from '../../protocol/tensor.ts';
import { validateInputs } from '../../protocol/validate.ts';
import type { FileCalls, LoadedModel, RunResult } from '../../runner/runtime.ts';
import { readVerified } from '../../verified-file.ts';
import { answerLimits, requireAnswer, wordsOf } from './server-answers.ts';
import {
  openServerClient,
  type Exchange,
  type ServerClient,
  type ServerReply,
  type ServerRequest,
} from './server-client.ts';
import { placeServer, type ServerDeclaration } from './server-place.ts';
import { startServerProcess, type ServerOwner, type ServerProcess } from './server-process.ts';
import type { ServerProtocol } from './server-protocol.ts';
import { torchServeProtocol } from './server-torchserve.ts';
import { v1Protocol } from './server-v1.ts';
import { v2Protocol } from './server-v2.ts';

export interface ServerSettings extends ServerDeclaration {
  readonly protocol: 'v2' | 'torchserve' | 'v1';
  readonly version?: string | undefined;
  readonly binary: 'auto' | 'on' | 'off';
  /** TorchServe only. */
  readonly takesFiles: boolean;
  /** As declared; absent where the server is asked. */
  readonly signature?: ModelSignature | undefined;
  readonly readyPath?: string | undefined;
  readonly startMs: number;
  readonly callMs: number;
  readonly healthMs: number;
  readonly stopMs: number;
  readonly threads?: number | undefined;
  /** Name that the command knows it by → where it is. */
  readonly files: Readonly<Record<string, string>>;
  /** What their bytes must be, by path. */
  readonly digests?: Readonly<Record<string, string>> | undefined;
  /** Made for the command to run in, and removed at the end. */
  readonly folder: string;
  readonly owner?: ServerOwner | undefined;
}

/** Waits between two asks while it starts: a server that is there at once is not kept waiting, a slow one not flooded. */
const readyRetryMs = 25;
const readyRetryMsMax = 500;
const readyAskMsMax = 5000;
const missesMax = 3;
/** A connection that breaks is often the first sign that the process ends; its exit says more. */
const exitMs = 500;

/** `onNote` is told what the start waits for, each time that it changes. */
export async function loadServer(
  settings: ServerSettings,
  signal: AbortSignal,
  onNote: (note: string) => void = () => {},
  clock: Clock = systemClock,
): Promise<LoadedModel> {
  signal.throwIfAborted();
  await using resources = new AsyncDisposableStack();
  const place = await placeServer(settings);
  let process: ServerProcess | undefined;
  if (place.command !== undefined) {
    const { folder, owner, stopMs } = settings;
    await layOut(settings.files, folder, settings.digests);
    resources.defer(() => rm(folder, { recursive: true, force: true }));
    const env = { ...threadVariables(settings.threads), ...place.env };
    process = resources.use(await startServerProcess({ command: place.command, folder, owner, env, stopMs, clock }));
  }
  const client = resources.use(openServerClient(place.address, clock));
  const protocol = protocolOf(settings);
  const readyPath = settings.readyPath?.replaceAll('{model}', encodeURIComponent(settings.model)) ?? protocol.readyPath;
  await untilReady({ client, process, readyPath, startMs: settings.startMs, signal, onNote, clock });
  const ask = (path: string): Promise<Exchange> => client.exchange({ method: 'GET', path }, settings.callMs);
  const signature = await described(protocol, ask, settings.signature);
  signal.throwIfAborted();
  return openModel({ settings, process, client, protocol, readyPath, signature, clock }, resources.move());
}

function protocolOf(settings: ServerSettings): ServerProtocol {
  if (settings.protocol === 'v2') return v2Protocol(settings);
  return settings.protocol === 'v1' ? v1Protocol(settings) : torchServeProtocol(settings);
}

/** Copies, not links: what a server writes into its files must not change the version for everybody else. */
async function layOut(
  files: ServerSettings['files'],
  folder: string,
  digests: Readonly<Record<string, string>> | undefined,
): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const [name, path] of Object.entries(files)) {
    const place = join(folder, name);
    await mkdir(dirname(place), { recursive: true });
    const digest = digests?.[path];
    // The copy is made of the bytes that were checked; nobody but this user can change it before the command reads it.
    if (digest !== undefined) await writeFile(place, await readVerified(path, digest), { mode: 0o600 });
    else await copyFile(path, place, constants.COPYFILE_FICLONE);
  }
}

/** What numeric libraries read. The command's own `env` comes after it. */
function threadVariables(threads: number | undefined): Record<string, string> {
  if (threads === undefined) return {};
  const names = ['FLYBALL_THREADS', 'OMP_NUM_THREADS', 'OPENBLAS_NUM_THREADS', 'MKL_NUM_THREADS'];
  return Object.fromEntries(names.map((name) => [name, String(threads)]));
}

interface Start {
  readonly client: ServerClient;
  readonly process: ServerProcess | undefined;
  readonly readyPath: string;
  readonly startMs: number;
  readonly signal: AbortSignal;
  readonly onNote: (note: string) => void;
  readonly clock: Clock;
}

async function untilReady({ client, process, readyPath, startMs, signal, onNote, clock }: Start): Promise<void> {
  const began = clock.now();
  const url = client.address + readyPath;
  let how: string | undefined;
  void process?.ended.then((words) => (how = words));
  let told = '';
  for (let retryMs = readyRetryMs; ; retryMs = Math.min(retryMs * 2, readyRetryMsMax)) {
    const left = startMs - (clock.now() - began);
    const exchange = await client.exchange(
      { method: 'GET', path: readyPath },
      Math.max(1, Math.min(left, readyAskMsMax)),
    );
    signal.throwIfAborted();
    if (process !== undefined && (await process.endsWithin(0))) {
      how ??= await process.ended;
      throw new FlyballError('MODEL_LOAD_FAILED', `the server's command ended before it was ready, ${how}`);
    }
    if (isReady(exchange)) return;
    const came =
      exchange.kind === 'answered' ? `answered ${exchange.status}: ${wordsOf(exchange.body)}` : exchange.reason;
    // Another ask would come too late to be answered.
    if (clock.now() - began + retryMs >= startMs) {
      const words = process?.lastWords() ?? '';
      throw new FlyballError(
        'MODEL_LOAD_FAILED',
        `the server was not ready within ${startMs} ms (server.startMs): GET ${url}: ${came}${words === '' ? '' : `; its last words: ${words}`}`,
      );
    }
    if (came !== told) onNote(`waiting for GET ${url}: ${came}`);
    told = came;
    await pause(retryMs, signal, clock);
  }
}

/** The status says it; some servers answer 200 and say in the body that they are not. */
function isReady(exchange: Exchange): boolean {
  if (exchange.kind !== 'answered' || exchange.status !== 200) return false;
  return !/"ready"\s*:\s*"?false/i.test(exchange.body.subarray(0, 1024).toString('latin1'));
}

async function pause(ms: number, signal: AbortSignal, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const cancel = clock.after(ms, resolve);
  const onAbort = (): void => resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  await promise;
  cancel();
  signal.removeEventListener('abort', onAbort);
  signal.throwIfAborted();
}

async function described(
  protocol: ServerProtocol,
  ask: (path: string) => Promise<Exchange>,
  declared: ModelSignature | undefined,
): Promise<ModelSignature> {
  try {
    return await protocol.describe(ask, declared);
  } catch (thrown) {
    const { message } = toFlyballError(thrown);
    throw new FlyballError('MODEL_LOAD_FAILED', message, { cause: thrown });
  }
}

interface Serving {
  readonly settings: ServerSettings;
  readonly process: ServerProcess | undefined;
  readonly client: ServerClient;
  readonly protocol: ServerProtocol;
  readonly readyPath: string;
  readonly signature: ModelSignature;
  readonly clock: Clock;
}

function openModel(serving: Serving, resources: AsyncDisposableStack): LoadedModel {
  const { settings, process, client, protocol, readyPath, signature, clock } = serving;
  const { callMs, healthMs } = settings;
  const listeners: ((error: FlyballError) => void)[] = [];
  let ended: FlyballError | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let calls = 0;
  let misses = 0;
  let cancelHealth = clock.after(healthMs, () => void askHealth());

  function end(message: string): FlyballError {
    if (ended !== undefined) return ended;
    ended = new FlyballError('REPLICA_FAILED', message);
    cancelHealth();
    for (const listener of listeners) listener(ended);
    return ended;
  }

  void process?.ended.then((how) => end(`the server's command ended, ${how}`));

  async function askHealth(): Promise<void> {
    const before = calls;
    if (isIdle()) {
      const exchange = await client.exchange({ method: 'GET', path: readyPath }, 2 * healthMs);
      if (isReady(exchange)) misses = 0;
      // A call came in between: a server with one thread may have been kept from answering by it.
      else if (calls === before && isIdle()) misses += 1;
      if (misses >= missesMax) {
        const came = exchange.kind === 'answered' ? `answered ${exchange.status}` : exchange.reason;
        end(`the server is not well: GET ${client.address}${readyPath} ${missesMax} times in a row: ${came}`);
      }
    }
    if (ended === undefined) cancelHealth = clock.after(healthMs, () => void askHealth());
  }

  let inFlight = 0;
  const isIdle = (): boolean => inFlight === 0;

  /** One at a time, in order. What is returned is a whole answer, or an error of the catalogue is thrown. */
  async function call(request: ServerRequest): Promise<{ readonly reply: ServerReply; readonly ms: number }> {
    const before = last;
    const { promise, resolve } = Promise.withResolvers<void>();
    last = promise;
    inFlight += 1;
    calls += 1;
    try {
      await before;
      if (ended !== undefined) throw ended;
      const began = clock.now();
      const exchange = await client.exchange(request, callMs);
      const ms = clock.now() - began;
      if (exchange.kind === 'late') {
        throw end(`the server gave no answer within ${callMs} ms (server.callMs) and is taken for hung`);
      }
      if (exchange.kind === 'lost' && process !== undefined && (await process.endsWithin(exitMs))) {
        throw end(`the server's command ended, ${await process.ended}`);
      }
      return { reply: requireAnswer(exchange), ms };
    } finally {
      inFlight -= 1;
      resolve();
    }
  }

  function wantedOf(outputs: readonly string[] | undefined): readonly string[] {
    return outputs ?? signature.outputs.map(({ name }) => name);
  }

  async function run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<RunResult> {
    if (ended !== undefined) throw ended;
    const wanted = wantedOf(outputs);
    if (isDeclared(signature)) check(settings.model, inputs, wanted, signature);
    const { reply, ms } = await call(protocol.toRequest(inputs, wanted));
    const given = protocol.toTensors(reply, inputs);
    if (wanted.length === 0) return { outputs: given, computeMs: ms };
    return { outputs: wanted.map((name) => find(given, name)), computeMs: ms };
  }

  return {
    platform: 'server',
    signature,
    run,
    ...(settings.takesFiles ? { files: fileCalls(settings, call) } : {}),
    ...(process === undefined ? {} : { usage: () => process.usage() }),
    async warmed() {},
    onFailure(listener) {
      listeners.push(listener);
    },
    async [Symbol.asyncDispose]() {
      // Closing is no failure: nobody is told, but a call after this is refused.
      listeners.length = 0;
      end('the server has been stopped');
      await resources.disposeAsync();
    },
  };
}

function fileCalls(
  settings: ServerSettings,
  call: (request: ServerRequest) => Promise<{ readonly reply: ServerReply; readonly ms: number }>,
): FileCalls {
  const protocol = torchServeProtocol(settings);
  return {
    async run(file) {
      const { reply, ms } = await call(protocol.fileRequest(file));
      return { readable: protocol.fileAnswer(reply), computeMs: ms };
    },
  };
}

function check(model: string, inputs: readonly Tensor[], wanted: readonly string[], signature: ModelSignature): void {
  const outputs = wanted.map((name) => ({ name }));
  try {
    // Without the rules of batches: a call without rows is for the server to judge.
    const alone = { ...signature, batchable: false };
    validateInputs({ model, payload: { kind: 'tensors', inputs }, outputs }, alone, answerLimits);
  } catch (thrown) {
    const { message } = toFlyballError(thrown);
    throw new FlyballError('INVALID_TENSOR', message, { cause: thrown });
  }
}

function find(outputs: readonly Tensor[], name: string): Tensor {
  const found = outputs.find((output) => output.name === name);
  if (found !== undefined) return found;
  const came = outputs.map((output) => output.name).join(', ');
  throw new FlyballError('PROTOCOL', `expected the output ${name}, the server gave ${came === '' ? 'none' : came}`);
}
