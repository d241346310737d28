/** Stops the governor, or releases it: what will happen is said first. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { HaltRequest } from '../../../src/api/schemas.ts';
import { actor, mayOperate } from '../api/caller.ts';
import { ask } from '../api/client.ts';
import { status } from '../live/store.ts';
import { ActDialog } from '../parts/act-dialog.tsx';
import { haltEffects, releaseEffects } from './summary.ts';

export function StopDialog({ onClose }: { readonly onClose: () => void }): JSX.Element | null {
  const { value: seen } = status;
  // Whoever may not act is not offered it, by key either.
  if (!mayOperate.value || seen === undefined) return null;
  return seen.governor?.halt === undefined ? <Stop onClose={onClose} /> : <Release onClose={onClose} />;
}

function Stop({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [scope, setScope] = useState<HaltRequest['scope']>('targets');
  const { value: seen } = status;
  const stop = (reason: string): Promise<unknown> => {
    const body: HaltRequest = { scope, reason: reason === '' ? 'asked for' : reason, by: actor.peek() };
    return ask('/governor/halt', { method: 'PUT', body });
  };
  return (
    <ActDialog
      title="Stop the governor"
      effects={seen === undefined ? [] : haltEffects(seen, scope)}
      verb="Stop"
      doing="Stopping"
      tone="stop"
      act={stop}
      onDone={onClose}
      onClose={onClose}
    >
      <fieldset class="choices">
        <legend>What is stopped</legend>
        <label class="check">
          <input type="radio" name="scope" checked={scope === 'targets'} onChange={() => setScope('targets')} />
          Changes of targets
        </label>
        <label class="check">
          <input type="radio" name="scope" checked={scope === 'all'} onChange={() => setScope('all')} />
          Upkeep too: restoring and waking
        </label>
      </fieldset>
    </ActDialog>
  );
}

function Release({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const { value: seen } = status;
  return (
    <ActDialog
      title="Release the governor"
      effects={seen === undefined ? [] : releaseEffects(seen)}
      needsReason
      verb="Release"
      doing="Releasing"
      tone="release"
      act={(reason) => ask('/governor/halt', { method: 'DELETE', query: { reason, by: actor.peek() } })}
      onDone={onClose}
      onClose={onClose}
    />
  );
}
