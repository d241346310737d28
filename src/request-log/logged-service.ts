/**
 * An inference service whose requests are logged where the routing table says so. It stands beside the answer, never in
 * its way: what it does with a request it does in a later turn of the event loop than the one that answers it.
 */
import type { Clock } from '../clock.ts';
import type { Dispatcher } from '../gateway/dispatcher.ts';
import type { InferenceService } from '../protocol/inference.ts';
import type { RequestEnd, RequestLog } from './request-log.ts';

export function withRequestLog<Service extends InferenceService>(
  service: Service,
  dispatcher: Pick<Dispatcher, 'deployment' | 'logs'>,
  log: RequestLog,
  clock: Pick<Clock, 'now' | 'wall'>,
): Service {
  return {
    ...service,
    infer(request, signal) {
      if (!dispatcher.logs) return service.infer(request, signal);
      const route = dispatcher.deployment(request.model)?.route.requestLog;
      if (route === undefined || !log.samples(route)) return service.infer(request, signal);
      const began = clock.now();
      const arrivedAt = clock.wall();
      const answering = service.infer(request, signal);
      const later = (end: RequestEnd): void => {
        const times = { arrivedAt, totalMs: clock.now() - began };
        setImmediate(() => log.record(route, request, times, end));
      };
      answering.then(
        (response) => later({ kind: 'answered', response }),
        (error: unknown) => later({ kind: 'failed', error }),
      );
      return answering;
    },
  };
}
