/** Whether the deployment may act by itself on the strength of this rehearsal; and, for whoever may, the step itself. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { actor, allows, caller, deploymentPath } from '../../api/caller.ts';
import { ask } from '../../api/client.ts';
import { status } from '../../live/store.ts';
import { ActDialog } from '../../parts/act-dialog.tsx';
import { Badge } from '../../parts/badge.tsx';
import { Command } from '../../parts/states.tsx';
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
  const { value: seen } = status;
  const now = seen?.deployments.find(({ name }) => name === deployment);
  const isHalted = seen?.governor?.halt !== undefined || seen?.governor?.halts?.[deployment] !== undefined;
  const needsReason = arming.kind !== 'fits';
  const arm = (reason: string): Promise<unknown> => {
    const body = {
      mode: 'auto',
      by: actor.peek(),
      ...(reason !== '' && { reason }),
      ...(arming.kind !== 'unfit' && { rehearsal: id }),
    };
    return ask(`${deploymentPath(deployment)}/mode`, { method: 'PUT', body });
  };
  return (
    <ActDialog
      title={`Arm ${deployment}`}
      effects={armingEffects(rehearsal, now, isHalted)}
      needsReason={needsReason}
      verb="Arm"
      doing="Arming"
      tone="release"
      act={arm}
      onDone={onArmed}
      onClose={onClose}
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
    </ActDialog>
  );
}
