/** Whether the deployment may act by itself on the strength of this rehearsal; and, for whoever may, the step itself. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { actor, allows, caller, deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { status } from '../../live/store.ts';
import { Badge } from '../../parts/badge.tsx';
import { Dialog } from '../../parts/dialog.tsx';
import { Command, Failed } from '../../parts/states.tsx';
import { useAct } from '../../parts/use-act.ts';
import { armingEffects } from './arming-words.ts';
import type { Rehearsal } from './kinds.ts';

interface ArmingProps {
  readonly rehearsal: Rehearsal;
  readonly onArmed: () => void;
}

const heads = {
  fits: <Badge tone="ok" word="It is ground enough: a mode may rest on it." />,
  doubtful: <Badge tone="warn" word="A mode may rest on it with a reason beside it." />,
  unfit: <Badge tone="bad" word="No mode can rest on it." />,
} as const;

export function Arming({ rehearsal, onArmed }: ArmingProps): JSX.Element {
  const { id, deployment, arming } = rehearsal;
  const [isOpen, setOpen] = useState(false);
  const mayArm = arming.mode !== undefined && allows(caller.value, 'operate', deployment);
  const governed = status.value?.deployments.find(({ name }) => name === deployment)?.governor;
  return (
    <section class="panel rehearsal-arming" aria-labelledby="rehearsal-arming">
      <h2 id="rehearsal-arming">May I arm it?</h2>
      <p>{heads[arming.kind]}</p>
      <ul class="plain rehearsal-verdict">
        {arming.words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      {arming.mode !== undefined && (
        <p>
          {deployment} is in <span class={`mode-chip ${arming.mode}`}>{arming.mode}</span>
          {governed !== undefined && <span class="muted"> {governed.modeReason}</span>}
        </p>
      )}
      {mayArm && (
        <div>
          <button type="button" class="button solid" onClick={() => setOpen(true)}>
            {arming.kind === 'unfit' ? 'Arm without it…' : 'Arm by this rehearsal…'}
          </button>
        </div>
      )}
      {mayArm && arming.kind === 'fits' && <Command text={`flyball mode ${deployment} auto --rehearsal ${id}`} />}
      {isOpen && (
        <ArmDialog
          rehearsal={rehearsal}
          onClose={() => setOpen(false)}
          onArmed={() => {
            setOpen(false);
            onArmed();
          }}
        />
      )}
    </section>
  );
}

function ArmDialog({ rehearsal, onClose, onArmed }: ArmingProps & { readonly onClose: () => void }): JSX.Element {
  const { id, deployment, arming } = rehearsal;
  const [reason, setReason] = useState('');
  const act = useAct();
  const { value: seen } = status;
  const now = seen?.deployments.find(({ name }) => name === deployment);
  const isHalted = seen?.governor?.halt !== undefined || seen?.governor?.halts?.[deployment] !== undefined;
  const needsReason = arming.kind !== 'fits';
  const given = reason.trim();
  const arm = (): void => {
    const body = {
      mode: 'auto',
      by: actor.peek(),
      ...(given !== '' && { reason: given }),
      ...(arming.kind !== 'unfit' && { rehearsal: id }),
    };
    act.run(() => ask(`${deploymentPath(deployment)}/mode`, { method: 'PUT', body }).then(onArmed));
  };
  return (
    <Dialog title={`Arm ${deployment}`} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          arm();
        }}
      >
        {needsReason && (
          <div class="rehearsal-differs">
            <h3>{arming.kind === 'unfit' ? 'Why not by this rehearsal' : 'What speaks against it'}</h3>
            <ul>
              {arming.words.map((sentence) => (
                <li key={sentence}>{sentence}</li>
              ))}
            </ul>
          </div>
        )}
        <div class="effects">
          <h3>What will happen</h3>
          <ul>
            {armingEffects(rehearsal, now, isHalted).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </div>
        <label class="field">
          Reason, for the journal{needsReason ? ' (needed)' : ''}
          <input
            type="text"
            required={needsReason}
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
          <button type="submit" class="button release solid" disabled={act.isRunning || (needsReason && given === '')}>
            {act.isRunning ? 'Arming…' : 'Arm'}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
