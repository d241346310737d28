/** The body of an inference in the Open Inference Protocol, held against the signature while it is typed. */
import type { JSX } from 'preact';
import { useId } from 'preact/hooks';
import { tensorWords } from '../../models/use.ts';
import type { Checked } from './tensor-json.ts';
import type { Version } from './takes.ts';

interface TensorEditorProps {
  readonly text: string;
  readonly onText: (text: string) => void;
  readonly onReset: () => void;
  readonly checked: Checked;
  readonly version: Version | undefined;
}

const problemsMax = 5;

export function TensorEditor({ text, onText, onReset, checked, version }: TensorEditorProps): JSX.Element {
  const id = useId();
  return (
    <div class="editor">
      <label for={id}>
        Body of the request{' '}
        {version !== undefined && (
          <span class="muted">
            takes {version.signature.inputs.map((spec) => `${spec.name} ${tensorWords(spec)}`).join('; ')}
          </span>
        )}
      </label>
      <textarea
        id={id}
        class="mono"
        spellcheck={false}
        rows={12}
        value={text}
        aria-invalid={checked.kind === 'wrong'}
        aria-describedby={`${id}-fits`}
        onInput={({ currentTarget }) => onText(currentTarget.value)}
      />
      <div id={`${id}-fits`} role="status" class="editor-fits">
        {checked.kind === 'wrong' ? (
          <ul class="plain problems">
            {checked.problems.slice(0, problemsMax).map(({ where, expected, came }) => (
              <li key={where + expected} class="bad-text">
                <code>{where}</code>: expected {expected}, came {came}
              </li>
            ))}
            {checked.problems.length > problemsMax && <li>and {checked.problems.length - problemsMax} more</li>}
          </ul>
        ) : (
          <p class="muted">
            {version === undefined ? 'It is JSON with inputs.' : 'It fits the signature.'} One value in place of a list
            under <code>data</code> fills the tensor with it.
          </p>
        )}
      </div>
      {version !== undefined && (
        <p>
          <button type="button" class="button small" onClick={onReset}>
            Zeros of the right shape
          </button>
        </p>
      )}
    </div>
  );
}
