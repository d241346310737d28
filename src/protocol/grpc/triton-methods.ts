/**
 * The methods of Triton's extensions that change or describe the server: repository, log and trace settings, shared
 * memory. What control does is asked of it on the caller's behalf; the rest is answered here, and never pretended.
 */
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { HangUpSignal } from '../hang-up.ts';
import type { InferenceService } from '../inference.ts';
import { managementOf, type Management } from '../management.ts';
import { listModels, loadModel, toLoadOrder, unloadModel } from '../repository.ts';
import { logSettings, refuseSharedMemory, refuseToSet, traceSettings } from '../triton-settings.ts';
import { requestIdOf } from './call.ts';
import { codecOf, definitions } from './definitions.ts';
import { frame } from './framing.ts';
import type { UnaryMethod } from './unary.ts';

export interface TritonMethodOptions {
  /** A load may carry the model. */
  readonly messageBytesMax: number;
  readonly requestId: (() => string) | undefined;
}

interface RepositoryParameter {
  readonly parameter_choice?: string;
  readonly bool_param?: boolean;
  readonly int64_param?: number;
  readonly string_param?: string;
  readonly bytes_param?: Uint8Array;
}

/** The fields of all these requests; a decoded one has those of its own message. */
interface Asked {
  readonly ready: boolean;
  readonly model_name: string;
  readonly parameters: Readonly<Record<string, RepositoryParameter>>;
  readonly settings: Readonly<Record<string, object>>;
}

/** A message of a method that carries no model. */
const smallBytesMax = 65_536;

export function tritonMethods(
  service: InferenceService,
  options: TritonMethodOptions,
): ReadonlyMap<string, UnaryMethod> {
  function method(
    name: string,
    answer: (asked: Asked, management: () => Management, signal: AbortSignal) => object | Promise<object>,
    messageBytesMax = smallBytesMax,
  ): [string, UnaryMethod] {
    const requests = codecOf<Asked>(definitions.inference, `${name}Request`);
    const responses = codecOf(definitions.inference, `${name}Response`);
    return [
      name,
      {
        messageBytesMax,
        async answer(message, headers, hangUp, stream) {
          const management = (): Management => managementOf(service, callerOf(headers, stream, options));
          const reply = await answer(requests.decode(message), management, toAbortSignal(hangUp));
          return [frame(responses.encode(reply))];
        },
      },
    ];
  }
  return new Map([
    method('RepositoryIndex', async ({ ready }, management, signal) => ({
      models: await listModels(service, ready, management, signal),
    })),
    method(
      'RepositoryModelLoad',
      async ({ model_name: model, parameters }, management, signal) => {
        const order = toLoadOrder(Object.entries(parameters).map(([key, value]) => [key, valueOf(value)]));
        await loadModel(management(), model, order, signal);
        return {};
      },
      options.messageBytesMax,
    ),
    method('RepositoryModelUnload', async ({ model_name: model }, management, signal) => {
      await unloadModel(management(), model, signal);
      return {};
    }),
    method('TraceSetting', ({ settings, model_name: model }) => {
      if (model !== '') service.metadata(model);
      refuseToSet('trace', Object.keys(settings));
      const entries = Object.entries(traceSettings).map(([key, value]) => [key, { value: [value].flat() }]);
      return { settings: Object.fromEntries(entries) as object };
    }),
    method('LogSettings', ({ settings }) => {
      refuseToSet('log', Object.keys(settings));
      const entries = Object.entries(logSettings(service.server())).map(([key, value]) => [
        key,
        { [fieldOf(value as unknown)]: value as unknown },
      ]);
      return { settings: Object.fromEntries(entries) as object };
    }),
    ...(['System', 'Cuda'] as const).flatMap((kind) => [
      method(`${kind}SharedMemoryStatus`, () => ({ regions: {} })),
      method(`${kind}SharedMemoryRegister`, () => refuseSharedMemory()),
      // Whoever wants to be sure that none is registered is right.
      method(`${kind}SharedMemoryUnregister`, () => ({})),
    ]),
  ]);
}

function callerOf(headers: IncomingHttpHeaders, stream: ServerHttp2Stream, { requestId }: TritonMethodOptions) {
  const address = stream.session?.socket.remoteAddress ?? 'unknown';
  return { by: `grpc ${address}`, requestId: requestIdOf(headers, requestId) };
}

function toAbortSignal(hangUp: HangUpSignal): AbortSignal {
  const gone = new AbortController();
  if (hangUp.aborted) gone.abort();
  else hangUp.addEventListener('abort', () => gone.abort(), { once: true });
  return gone.signal;
}

const valueOf = (parameter: RepositoryParameter): unknown =>
  parameter[(parameter.parameter_choice ?? 'string_param') as keyof RepositoryParameter];

const fieldOf = (value: unknown): string =>
  typeof value === 'boolean' ? 'bool_param' : typeof value === 'number' ? 'uint32_param' : 'string_param';
