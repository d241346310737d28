/**
 * Another server as a replica: any process that speaks the Open Inference Protocol V2, TorchServe's REST or KServe's V1,
 * started by a command or only reached at an address. This side starts it, waits until it is ready, passes calls on one
 * at a time, asks after its health while it is idle, and ends it with everything that it has started.
 *
 *   starting ──ready within startMs──▶ serving ──exit, a call over callMs, three missed asks──▶ ended
 *
 * Invariant: when the load fails or the model is closed, nothing that was started here is left.
 */
import { rm } from 'node:fs/promises';
import { cwd } from 'node:process';
import { systemClock, type Clock } from '../../clock.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { isDeclared, type ModelSignature, type Tensor } from '../../protocol/tensor.ts';
import { validateInputs } from '../../protocol/validate.ts';
import type { FileCalls, LoadedModel, RunResult } from '../../runner/runtime.ts';
import { answerLimits } from './server-answers.ts';
import { openServerCalls, type ServerCalls } from './server-calls.ts';
import { openServerClient, type Exchange } from './server-client.ts';
import { layOut, threadVariables } from './server-files.ts';
import { placeServer, type ServerDeclaration } from './server-place.ts';
import { startServerProcess, type ServerOwner, type ServerProcess } from './server-process.ts';
import type { ServerProtocol } from './server-protocol.ts';
import { untilReady } from './server-ready.ts';
import { torchServeProtocol } from './server-torchserve.ts';
import { v1Protocol } from './server-v1.ts';
import { v2Protocol } from './server-v2.ts';

export interface ServerSettings extends ServerDeclaration {
  /** That this process runs in too. */
  readonly image?: string | undefined;
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
  /** Made for its files, and for a command without an image to run in; removed at the end. */
  readonly folder: string;
  readonly owner?: ServerOwner | undefined;
}

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
    // What an image starts by itself may be told by a path below the image's own working folder, which is ours too.
    const runsIn = settings.image === undefined ? folder : cwd();
    const { command } = place;
    process = resources.use(await startServerProcess({ command, folder: runsIn, owner, env, stopMs, clock }));
  }
  const client = resources.use(openServerClient(place.address, clock));
  const protocol = protocolOf(settings);
  const readyPath = settings.readyPath?.replaceAll('{model}', encodeURIComponent(settings.model)) ?? protocol.readyPath;
  await untilReady({ client, process, readyPath, startMs: settings.startMs, signal, onNote, clock });
  const ask = (path: string): Promise<Exchange> => client.exchange({ method: 'GET', path }, settings.callMs);
  const signature = await described(protocol, ask, settings.signature);
  signal.throwIfAborted();
  const { callMs, healthMs } = settings;
  const calls = openServerCalls({ process, client, readyPath, callMs, healthMs, clock });
  return openModel({ settings, process, calls, protocol, signature }, resources.move());
}

function protocolOf(settings: ServerSettings): ServerProtocol {
  if (settings.protocol === 'v2') return v2Protocol(settings);
  return settings.protocol === 'v1' ? v1Protocol(settings) : torchServeProtocol(settings);
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
  readonly calls: ServerCalls;
  readonly protocol: ServerProtocol;
  readonly signature: ModelSignature;
}

function openModel(serving: Serving, resources: AsyncDisposableStack): LoadedModel {
  const { settings, process, calls, protocol, signature } = serving;

  function wantedOf(outputs: readonly string[] | undefined): readonly string[] {
    return outputs ?? signature.outputs.map(({ name }) => name);
  }

  async function run(inputs: readonly Tensor[], outputs?: readonly string[]): Promise<RunResult> {
    const ended = calls.ended();
    if (ended !== undefined) throw ended;
    const wanted = wantedOf(outputs);
    if (isDeclared(signature)) check(settings.model, inputs, wanted, signature);
    const { reply, ms } = await calls.call(protocol.toRequest(inputs, wanted));
    const given = protocol.toTensors(reply, inputs);
    if (wanted.length === 0) return { outputs: given, computeMs: ms };
    return { outputs: wanted.map((name) => find(given, name)), computeMs: ms };
  }

  return {
    platform: 'server',
    signature,
    run,
    ...(settings.takesFiles ? { files: fileCalls(settings, calls) } : {}),
    ...(process === undefined ? {} : { usage: () => process.usage() }),
    async warmed() {},
    onFailure: (listener) => calls.onFailure(listener),
    async [Symbol.asyncDispose]() {
      calls.close();
      await resources.disposeAsync();
    },
  };
}

function fileCalls(settings: ServerSettings, calls: ServerCalls): FileCalls {
  const protocol = torchServeProtocol(settings);
  return {
    async run(file) {
      const { reply, ms } = await calls.call(protocol.fileRequest(file));
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
