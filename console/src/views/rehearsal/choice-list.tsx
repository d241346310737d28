/** Several of a list, each with what can be set on it: shown once it is ticked. */
import type { JSX } from 'preact';
import type { ParameterChoice } from './kinds.ts';
import type { Chosen } from './run-request.ts';

interface Item {
  readonly name: string;
  readonly about: string;
  readonly parameters: readonly ParameterChoice[];
}

interface ChoiceListProps {
  readonly legend: string;
  readonly hint: string;
  readonly items: readonly Item[];
  readonly chosen: Chosen;
  readonly onChange: (chosen: Chosen) => void;
}

export function ChoiceList({ legend, hint, items, chosen, onChange }: ChoiceListProps): JSX.Element {
  const toggle = (name: string, isOn: boolean): void => {
    const { [name]: before, ...others } = chosen;
    // In the order of the list, not in that of the clicks.
    const all: Chosen = isOn ? { ...others, [name]: before ?? {} } : others;
    onChange(
      Object.fromEntries(
        items.flatMap(({ name: each }) => (Object.hasOwn(all, each) ? [[each, all[each] ?? {}]] : [])),
      ),
    );
  };
  return (
    <fieldset class="choices rehearsal-choices">
      <legend>{legend}</legend>
      <p class="muted rehearsal-note">{hint}</p>
      {items.map(({ name, about, parameters }) => {
        const texts = chosen[name];
        return (
          <div key={name} class="rehearsal-choice">
            <label class="check" title={about}>
              <input
                type="checkbox"
                checked={texts !== undefined}
                onChange={({ currentTarget }) => toggle(name, currentTarget.checked)}
              />
              {name}
            </label>
            {texts !== undefined && (
              <div class="rehearsal-choice-more">
                <p class="muted rehearsal-note">{about}</p>
                {parameters.length > 0 && (
                  <details>
                    <summary>Parameters</summary>
                    <div class="rehearsal-parameters">
                      {parameters.map((parameter) => (
                        <ParameterField
                          key={parameter.name}
                          parameter={parameter}
                          text={texts[parameter.name] ?? ''}
                          onText={(text) => onChange({ ...chosen, [name]: { ...texts, [parameter.name]: text } })}
                        />
                      ))}
                    </div>
                  </details>
                )}
              </div>
            )}
          </div>
        );
      })}
    </fieldset>
  );
}

interface ParameterFieldProps {
  readonly parameter: ParameterChoice;
  readonly text: string;
  readonly onText: (text: string) => void;
}

function ParameterField({ parameter, text, onText }: ParameterFieldProps): JSX.Element {
  const { name, kind, about, default: given, of } = parameter;
  const shown = typeof given === 'string' ? given : JSON.stringify(given);
  const options = kind === 'flag' ? ['true', 'false'] : kind === 'choice' ? (of ?? []) : undefined;
  return (
    <label class="field" title={about}>
      {name}
      {options === undefined ? (
        <input
          type="text"
          placeholder={shown}
          value={text}
          onInput={({ currentTarget }) => onText(currentTarget.value)}
        />
      ) : (
        <select value={text} onChange={({ currentTarget }) => onText(currentTarget.value)}>
          <option value="">default: {shown}</option>
          {options.map((option) => (
            <option key={option}>{option}</option>
          ))}
        </select>
      )}
    </label>
  );
}
