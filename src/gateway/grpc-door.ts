/** Keys at the gRPC listener: the metadata of a call → the service as its caller may see it. */
import type { IncomingHttpHeaders } from 'node:http2';
import type { Authenticator, KeyHolder } from '../auth/authenticator.ts';
import { guardedService, openToAll } from '../auth/guarded-service.ts';
import { presentedKey } from '../auth/key.ts';
import { toFlyballError } from '../errors.ts';
import type { GrpcCaller, GrpcDoor } from '../protocol/grpc/server.ts';
import type { InferenceService } from '../protocol/inference.ts';
import { publish } from '../telemetry/events.ts';

export function grpcDoor(service: InferenceService, auth: Authenticator): GrpcDoor {
  const callers = new WeakMap<KeyHolder, GrpcCaller>();
  const openly = openToAll(service);

  const callerOf = (holder: KeyHolder): GrpcCaller => {
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
    enter(headers: IncomingHttpHeaders, connection, isStream) {
      let holder: KeyHolder | undefined;
      try {
        const { authorization, 'x-api-key': apiKey } = headers;
        const presented = presentedKey(authorization, typeof apiKey === 'string' ? apiKey : undefined);
        holder = auth.authenticate(presented, connection);
        // Of a stream each message counts, when it is inferred.
        if (!isStream) holder.admit();
      } catch (thrown) {
        publish('flyball:refusal', { listener: 'grpc', code: toFlyballError(thrown).code, by: holder?.name });
        throw thrown;
      }
      return callerOf(holder);
    },
  };
}
