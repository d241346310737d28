/**
 * Keys at the gRPC listener: the metadata of a call → the service as its caller may see it. A scope is asked for before
 * the message is taken; the deployment is named in the message, so whether the key is for that one is asked after.
 */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Authenticator, KeyPresenter } from '../auth/authenticator.ts';
import { guardedService, openToAll } from '../auth/guarded-service.ts';
import { presentedKey } from '../auth/key.ts';
import type { Need } from '../core/access/scopes.ts';
import { toFlyballError } from '../errors.ts';
import { streamPath, type GrpcCaller, type GrpcDoor } from '../protocol/grpc/server.ts';
import type { InferenceService } from '../protocol/inference.ts';
import { publish } from '../telemetry/events.ts';

const infers: Need = { anyOf: ['infer'], cutDown: true };
const manages: Need = { anyOf: ['admin'] };
/** Of methods whose messages are large. */
const needs: ReadonlyMap<string, Need> = new Map([
  ['/inference.GRPCInferenceService/ModelInfer', infers],
  [streamPath, infers],
  ['/inference.GRPCInferenceService/RepositoryModelLoad', manages],
  ['/inference.GRPCInferenceService/RepositoryModelUnload', manages],
]);

export function grpcDoor(service: InferenceService, auth: Authenticator): GrpcDoor {
  const callers = new WeakMap<KeyPresenter, GrpcCaller>();
  const openly = openToAll(service);

  const callerOf = (holder: KeyPresenter): GrpcCaller => {
    let caller = callers.get(holder);
    if (caller === undefined) {
      caller = {
        by: holder.name,
        service: guardedService(service, holder, { countsInference: false }),
        streamed: guardedService(service, holder, { countsInference: true }),
      };
      callers.set(holder, caller);
    }
    return caller;
  };

  return {
    anybody: { service: openly, streamed: openly },
    enter(headers: IncomingHttpHeaders, connection, path) {
      let holder: KeyPresenter | undefined;
      try {
        const { authorization, 'x-api-key': apiKey } = headers;
        const presented = presentedKey(authorization, typeof apiKey === 'string' ? apiKey : undefined);
        holder = auth.authenticate(presented, connection);
        const need = needs.get(path);
        if (need !== undefined) holder.require(need);
        // Of a stream each message counts, when it is inferred.
        if (path !== streamPath) holder.admit();
      } catch (thrown) {
        publish('flyball:refusal', { listener: 'grpc', code: toFlyballError(thrown).code, by: holder?.name });
        throw thrown;
      }
      return callerOf(holder);
    },
  };
}
