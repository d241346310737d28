/** Stops the governor, or releases it: what will happen is said first, and Cancel has the focus. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { HaltRequest } from '../../../src/api/schemas.ts';
import { actor, mayOperate } from '../api/caller.ts';
import { ask } from '../api/client.ts';
import { status } from '../live/store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { Failed } from '../parts/states.tsx';
import { useAct } from '../parts/use-act.ts';
import { haltEffects } from './summary.ts';

export function StopDialog({ onClose }: { readonly onClose: () => void }): JSX.Element | null {
  const { value: seen } = status;
  // Whoever may not act is not offered it, by key either.
  if (!mayOperate.value || seen === undefined) return null;
  return seen.governor?.halt === undefined ? <Stop onClose={onClose} /> : <Release onClose={onClose} />;
}

function Stop({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [scope, setScope] = useState<HaltRequest['scope']>('targets');
  const [reason, setReason] = useState('');
  const act = useAct();
  const { value: seen } = status;
  const stop = (): void => {
    const body: HaltRequest = { scope, reason: reason.trim() === '' ? 'asked for' : reason.trim(), by: actor.peek() };
    act.run(() => ask('/governor/halt', { method: 'PUT', body }).then(onClose));
  };
  return (
    <Dialog title="Stop the governor" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          stop();
        }}
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
        <div class="effects">
          <h3>What will happen</h3>
          <ul>{seen !== undefined && haltEffects(seen, scope).map((line) => <li key={line}>{line}</li>)}</ul>
        </div>
        <label class="field">
          Reason, for the journal
          <input
            type="text"
            maxLength={1000}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {act.failure !== undefined && <Failed failure={act.failure} />}
        <div class="dialog-acts">
          <button type="button" class="button" data-first onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button stop solid" disabled={act.isRunning}>
            {act.isRunning ? 'Stopping…' : 'Stop'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}

function Release({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const [reason, setReason] = useState('');
  const act = useAct();
  const modes = status.value?.deployments.filter(({ governor }) => governor?.mode === 'auto').length ?? 0;
  const release = (): void => {
    act.run(() =>
      ask('/governor/halt', { method: 'DELETE', query: { reason: reason.trim(), by: actor.peek() } }).then(onClose),
    );
  };
  return (
    <Dialog title="Release the governor" onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          release();
        }}
      >
        <div class="effects">
          <h3>What will happen</h3>
          <ul>
            <li>
              {modes === 0
                ? 'No deployment is governed by itself; targets stay until a person changes them.'
                : `The governor may change the targets of ${modes} ${modes === 1 ? 'deployment' : 'deployments'} again, at its next look.`}
            </li>
            <li>Restoring and waking go on as usual.</li>
          </ul>
        </div>
        <label class="field">
          Reason, for the journal (needed)
          <input
            type="text"
            required
            maxLength={1000}
            value={reason}
            onInput={({ currentTarget }) => setReason(currentTarget.value)}
          />
        </label>
        {act.failure !== undefined && <Failed failure={act.failure} />}
        <div class="dialog-acts">
          <button type="button" class="button" data-first onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class="button release solid" disabled={act.isRunning || reason.trim() === ''}>
            {act.isRunning ? 'Releasing…' : 'Release'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
