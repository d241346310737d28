/**
 * An inference service as one caller may see it: every method asks the caller's key first. It stands before all
 * protocols alike, so that no path of theirs can be forgotten. Methods are listed one by one on purpose: what is new in
 * the service is not offered to keys before somebody has said which scope it needs.
 */
import { FlyballError } from '../errors.ts';
import type { InferenceService } from '../protocol/inference.ts';
import type { KeyPresenter } from './authenticator.ts';

export interface GuardOptions {
  /** Counts every inference against the key's rate, for streams: their call was counted only once, or not at all. */
  readonly countsInference: boolean;
}

export function guardedService(
  service: InferenceService,
  holder: KeyPresenter,
  { countsInference }: GuardOptions,
): InferenceService {
  /** Who may infer on a model may ask what it takes. */
  const mayAsk = (deployment: string): void => holder.require({ anyOf: ['infer', 'read'], deployment });
  const { management, expect } = service;
  return {
    // Control holds the key against the scope of what is asked.
    ...(management !== undefined && {
      management: (caller) => management({ ...caller, by: holder.name, key: holder.secret }),
    }),
    server: () => service.server(),
    live: () => service.live(),
    ready: () => service.ready(),
    metadata(model, version) {
      mayAsk(model);
      return service.metadata(model, version);
    },
    modelReady(model, version) {
      mayAsk(model);
      return service.modelReady(model, version);
    },
    index() {
      holder.require({ anyOf: ['infer', 'read'], cutDown: true });
      return service.index().filter(({ name }) => holder.covers(name));
    },
    async statistics(model, version) {
      if (model !== undefined) mayAsk(model);
      else holder.require({ anyOf: ['infer', 'read'], cutDown: true });
      return (await service.statistics(model, version)).filter(({ name }) => holder.covers(name));
    },
    ...(expect !== undefined && {
      expect(head) {
        holder.require({ anyOf: ['infer'], deployment: head.model });
        return expect(head);
      },
    }),
    infer(request, signal) {
      try {
        holder.require({ anyOf: ['infer'], deployment: request.model });
        if (countsInference) holder.admit();
      } catch (thrown) {
        return Promise.reject(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
      return service.infer({ ...request, caller: holder.name }, signal);
    },
  };
}

/** Health without a key: whether the server is there, and nothing of what it serves. */
export function openToAll(service: InferenceService): InferenceService {
  const unknown = (): FlyballError =>
    new FlyballError('UNAUTHENTICATED', 'expected an API key (Authorization: Bearer … or X-API-Key), got none');
  const refuse = (): never => {
    throw unknown();
  };
  return {
    server: refuse,
    live: () => service.live(),
    ready: () => service.ready(),
    metadata: refuse,
    modelReady: refuse,
    index: refuse,
    statistics: () => Promise.reject(unknown()),
    infer: () => Promise.reject(unknown()),
  };
}
