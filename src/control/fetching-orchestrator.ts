/**
 * An orchestrator of this machine whose replicas open files that may have to be fetched first. A replica whose files do
 * not come has failed to start, with the reason.
 */
import type { ArtefactStore } from '../registry/artefacts.ts';
import { portable } from '../runner/portable-launch.ts';
import type { Orchestrator } from './orchestrator.ts';

export function fetchingFirst(
  orchestrator: Orchestrator,
  artefacts: Pick<ArtefactStore, 'root' | 'path'>,
): Orchestrator {
  return {
    ...orchestrator,
    async start(order, signal) {
      const named = portable(order.launch, artefacts.root).artefacts;
      await orAborted(Promise.all(named.map((digest) => artefacts.path(digest))), signal);
      return orchestrator.start(order, signal);
    },
  };
}

/** What is fetched is fetched for everybody, and goes on; whoever waits for it may leave. */
async function orAborted(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const leave = (): void => reject(signal.reason);
  signal.addEventListener('abort', leave);
  try {
    await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', leave);
  }
}
