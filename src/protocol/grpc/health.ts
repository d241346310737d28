/** gRPC health checking (grpc.health.v1): for the server as a whole, each service by its name, each model by its. */
import type { Clock } from '../../clock.ts';
import { FlyballError, grpcStatus } from '../../errors.ts';
import type { InferenceService } from '../inference.ts';
import { codecOf, definitions } from './definitions.ts';
import { frame, GrpcFailure } from './framing.ts';
import type { StreamingMethod } from './streaming.ts';

const request = codecOf<{ service: string }>(definitions.health, 'HealthCheckRequest');
const response = codecOf<{ status: number }>(definitions.health, 'HealthCheckResponse');

const serving = 1;
const notServing = 2;
const serviceUnknown = 3;

/** How often a watch looks; health is asked of the service, which does not tell by itself. */
const watchIntervalMs = 500;
const messageBytesMax = 65_536;

export interface HealthMethods {
  readonly check: (message: Buffer) => Uint8Array;
  readonly watch: StreamingMethod;
}

export function healthMethods(service: InferenceService, draining: AbortSignal, clock: Clock): HealthMethods {
  const names = new Set(['', 'inference.GRPCInferenceService', 'grpc.health.v1.Health']);
  const statusOf = (name: string): number => {
    try {
      const ready = names.has(name) ? service.ready() : service.modelReady(name);
      return ready && !draining.aborted ? serving : notServing;
    } catch (error) {
      if (error instanceof FlyballError && error.code === 'MODEL_NOT_FOUND') return serviceUnknown;
      throw error;
    }
  };
  return {
    check(message) {
      const { service: name } = request.decode(message);
      const status = statusOf(name);
      if (status === serviceUnknown) {
        throw new GrpcFailure(
          grpcStatus.NOT_FOUND,
          `expected the name of a model or one of '${[...names].join("', '")}', got '${name}'`,
        );
      }
      return response.encode({ status });
    },
    watch: {
      messageBytesMax,
      open(call) {
        let cancel = (): void => {};
        let last = -1;
        call.signal.addEventListener('abort', () => cancel(), { once: true });
        return {
          message(bytes) {
            // Each would be one more timer.
            if (last !== -1) throw new GrpcFailure(grpcStatus.INVALID_ARGUMENT, 'expected one message, got more');
            const { service: name } = request.decode(bytes);
            const look = (): void => {
              const status = statusOf(name);
              if (status !== last) {
                last = status;
                void call.send([frame(response.encode({ status }))]);
              }
              if (draining.aborted) call.end();
              else if (!call.signal.aborted) cancel = clock.after(watchIntervalMs, look);
            };
            call.draining.addEventListener(
              'abort',
              () => {
                cancel();
                look();
              },
              { once: true, signal: call.signal },
            );
            look();
            return undefined;
          },
          // A watch goes on after the caller has sent its one message.
          end: () => undefined,
        };
      },
    },
  };
}
