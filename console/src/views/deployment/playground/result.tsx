/** The answer. */
import type { JSX } from 'preact';
import type { PlaygroundTiming } from '../../../../../src/api/playground-schemas.ts';
import { digits, words } from '../../../format/quantity.ts';
import { shownOf, type Scored, type ShownTensor } from './answer.ts';

export interface Answered {
  readonly status: number;
  readonly body: unknown;
  readonly timing: PlaygroundTiming | null;
}

export function Answer({ body }: { readonly body: unknown }): JSX.Element {
  const shown = shownOf(body);
  switch (shown.kind) {
    case 'labels':
      return <Labels labels={shown.labels} />;
    case 'tensors':
      return (
        <>
          {shown.tensors.map((tensor) => (
            <TensorTable key={tensor.name} tensor={tensor} />
          ))}
        </>
      );
    case 'text':
      return <p class="answer-text">{shown.text === '' ? '(an empty text)' : shown.text}</p>;
    case 'json':
      return (
        <pre class="code" tabIndex={0} role="region" aria-label="Answer as JSON">
          {shown.text}
        </pre>
      );
  }
}

function Labels({ labels }: { readonly labels: readonly Scored[] }): JSX.Element {
  const highest = Math.max(...labels.map(({ score }) => score));
  // Scores that are no probabilities are drawn against the highest.
  const full = highest <= 1 ? 1 : highest;
  return (
    <ol class="plain labels">
      {labels.map(({ label, score }, index) => (
        <li key={label} class={index === 0 ? 'first' : ''}>
          <span class="label-name">{label}</span>
          <svg class="label-bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
            <rect width="100" height="10" class="bar-ground" />
            <rect width={Math.max(0, (score / full) * 100)} height="10" class="bar-fill" />
          </svg>
          <span class="label-score">{full === 1 ? words(score, 'share') : digits(score)}</span>
        </li>
      ))}
    </ol>
  );
}

function TensorTable({
  tensor: { name, datatype, shape, values, count },
}: {
  readonly tensor: ShownTensor;
}): JSX.Element {
  return (
    <div class="chart-table" tabIndex={0} role="region" aria-label={`Output ${name}`}>
      <table class="tensor-table">
        <caption>
          <code>{name}</code> {datatype} [{shape.join(', ')}], {count} {count === 1 ? 'value' : 'values'}
          {values.length < count && `; the first ${values.length} of them`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Place</th>
            <th scope="col" class="number">
              Value
            </th>
          </tr>
        </thead>
        <tbody>
          {values.map(({ place, value }) => (
            <tr key={place}>
              <th scope="row">{place}</th>
              <td class="number">{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
