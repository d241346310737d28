/**
 * What a control does once about shared artefacts after it has taken over, beside its work: fetches what the deployments
 * need, so that nobody waits for it later, and gives the store what only this machine has (versions that were registered
 * before artefacts were kept there). One at a time; what fails is told and tried again.
 */
import type { Clock } from '../clock.ts';
import { toFlyballError } from '../errors.ts';
import type { ArtefactStore } from '../registry/artefacts.ts';
import { digestsOf } from '../registry/open-registry.ts';
import type { Registry } from '../registry/registry.ts';
import type { Store, VersionRecord } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';

export interface MovedArtefactsParts {
  readonly store: Pick<Store, 'deployments' | 'versions'>;
  readonly registry: Pick<Registry, 'resolve'> & { readonly artefacts: ArtefactStore };
  readonly clock: Clock;
}

const againMs = 30_000;

/** Versions that are deployed first, each once; the rest in their own order. Pure. */
export function firstDeployed(
  deployed: readonly VersionRecord[],
  all: readonly VersionRecord[],
): { readonly needed: readonly string[]; readonly others: readonly string[] } {
  const needed = new Set(deployed.flatMap(digestsOf));
  return { needed: [...needed], others: [...new Set(all.flatMap(digestsOf))].filter((digest) => !needed.has(digest)) };
}

/** Ends when all is done, or when the signal is aborted and the artefact under way has ended. Never rejected. */
export async function moveArtefacts(
  { store, registry, clock }: MovedArtefactsParts,
  signal: AbortSignal,
): Promise<void> {
  const { artefacts } = registry;

  async function order(): Promise<ReturnType<typeof firstDeployed>> {
    const deployed: VersionRecord[] = [];
    for (const { specification } of await store.deployments()) {
      // A reference that leads nowhere is told by whoever is to serve it.
      const version = await registry.resolve(specification.model).catch(() => undefined);
      if (version !== undefined) deployed.push(version);
    }
    return firstDeployed(deployed, await store.versions());
  }

  /** `again`: it may go better another time. */
  async function tried(where: string, work: () => Promise<unknown>): Promise<'done' | 'again' | 'given up'> {
    if (signal.aborted) return 'given up';
    try {
      await work();
      return 'done';
    } catch (error) {
      const { message, retry } = toFlyballError(error);
      if (!signal.aborted) publish('flyball:fault', { where, message, error });
      return retry ? 'again' : 'given up';
    }
  }

  /** True when something is left for another time. */
  async function once(): Promise<boolean> {
    const { needed, others } = await order();
    const here: string[] = [];
    let isLeft = false;
    for (const digest of needed) {
      const fetched = await tried(`fetching ${digest}`, () => artefacts.path(digest));
      if (fetched === 'done') here.push(digest);
      isLeft ||= fetched === 'again';
    }
    for (const digest of [...here, ...others]) {
      const shared = await tried(`sharing ${digest}`, () => artefacts.put({ kind: 'digest', digest }));
      isLeft ||= shared === 'again';
    }
    return isLeft;
  }

  for (;;) {
    let isLeft = false;
    const all = await tried('moving artefacts', async () => {
      isLeft = await once();
    });
    if (signal.aborted || !(isLeft || all === 'again')) return;
    await pause(clock, signal);
  }
}

function pause(clock: Clock, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const cancel = clock.after(againMs, finish);
    signal.addEventListener('abort', finish);
    function finish(): void {
      cancel();
      signal.removeEventListener('abort', finish);
      done();
    }
  });
}
