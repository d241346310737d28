/** Before a destructive act: what will happen, a reason for the journal, and Cancel, which has the focus. */
import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Dialog } from './dialog.tsx';
import { Failed } from './states.tsx';
import { useAct } from './use-act.ts';

interface ActDialogProps {
  readonly title: string;
  /** What will happen, a sentence each. */
  readonly effects: readonly string[];
  /** What is to be chosen or known before. */
  readonly children?: ComponentChildren;
  readonly needsReason?: boolean;
  readonly verb: string;
  /** While it is done: `Stopping`. */
  readonly doing: string;
  /** Stops something, or sets it free. */
  readonly tone: 'stop' | 'release';
  /** `reason` is trimmed, and empty where none was given. The dialog closes once it is done. */
  readonly act: (reason: string) => Promise<unknown>;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function ActDialog(props: ActDialogProps): JSX.Element {
  const { title, effects, children, needsReason = false, verb, doing, tone, act, onDone, onClose } = props;
  const [text, setText] = useState('');
  const { isRunning, failure, run } = useAct();
  const reason = text.trim();
  return (
    <Dialog title={title} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          run(() => act(reason).then(onDone));
        }}
      >
        {children}
        <div class="effects">
          <h3>What will happen</h3>
          <ul>
            {effects.map((line) => (
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
            value={text}
            onInput={({ currentTarget }) => setText(currentTarget.value)}
          />
        </label>
        {failure !== undefined && <Failed failure={failure} />}
        <div class="dialog-acts">
          <button type="button" class="button" data-first onClick={onClose}>
            Cancel
          </button>
          <button type="submit" class={`button ${tone} solid`} disabled={isRunning || (needsReason && reason === '')}>
            {isRunning ? `${doing}…` : verb}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
