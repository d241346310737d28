/** Sweeps artefacts that nobody uses, again and again; what was removed is told. A failure is told and tried again later. */
import type { Clock } from '../clock.ts';
import type { Registry } from '../registry/registry.ts';
import { publish } from '../telemetry/events.ts';
import { periodically } from './periodically.ts';

/** Only a folder is listed and the versions read; nobody waits for the room. */
const sweepEveryMs = 60_000;

/** Returns the stop, which waits for a sweep that is under way. */
export function startSweeping(
  registry: Pick<Registry, 'sweep'>,
  clock: Clock,
  everyMs = sweepEveryMs,
): () => Promise<void> {
  return periodically(clock, everyMs, 'sweeping artefacts', async () => {
    for (const digest of await registry.sweep()) {
      const reason = 'it was uploaded and no version was made of it';
      publish('flyball:control', { action: 'sweep', subject: digest, by: 'upkeep', reason });
    }
  });
}
