/** Artefacts of control: files of its data directory, shared through the store where other controls may go on with it. */
import { join } from 'node:path';
import type { Clock } from '../clock.ts';
import type { StoreSettings } from '../config/store-specification.ts';
import { openSharedArtefacts } from '../drivers/stores/open.ts';
import { openArtefactStore, type ArtefactStore } from '../registry/artefacts.ts';
import type { Registry } from '../registry/registry.ts';
import { shareArtefacts, type MovedArtefact } from '../registry/shared-artefacts.ts';
import { artefactsFolder } from '../store/data-directory.ts';
import type { Fence } from '../store/lease.ts';
import type { Store } from '../store/store.ts';
import { publish } from '../telemetry/events.ts';
import { moveArtefacts } from './moved-artefacts.ts';

export interface ArtefactsParts {
  readonly dataDirectory: string;
  readonly store: StoreSettings;
  readonly fence: Fence | undefined;
  readonly clock: Clock;
  /** What is opened is closed with this. */
  readonly stack: AsyncDisposableStack;
}

export interface OpenedArtefacts {
  readonly artefacts: ArtefactStore;
  /** Begins what a control does once after it has taken over; it goes on beside everything else. */
  move(store: Store, registry: Registry): void;
}

/** After the store has been opened. */
export async function openArtefacts(parts: ArtefactsParts): Promise<OpenedArtefacts> {
  const { dataDirectory, clock, stack } = parts;
  const files = await openArtefactStore(join(dataDirectory, artefactsFolder));
  const elsewhere = await openSharedArtefacts(parts.store, clock, parts.fence);
  if (elsewhere === undefined) return { artefacts: files, move() {} };
  let moving = Promise.resolve();
  // In this order: what is under way ends with its connection.
  stack.defer(() => moving);
  stack.use(elsewhere);
  return {
    artefacts: shareArtefacts(files, elsewhere, { onMoved: tell }),
    move(store, registry) {
      const closing = new AbortController();
      stack.defer(() => closing.abort());
      moving = moveArtefacts({ store, registry, clock }, closing.signal);
    },
  };
}

function tell({ kind, digest, bytes }: MovedArtefact): void {
  const [action, reason] =
    kind === 'fetched'
      ? ['fetch artefact', `${bytes} bytes from the store`]
      : ['share artefact', `${bytes} bytes to the store`];
  publish('flyball:control', { action, subject: digest, by: 'upkeep', reason });
}
