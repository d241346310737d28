/** What each policy proposed, and what those that only look on would have held. */
import type { JSX } from 'preact';
import type { WhyView } from '../../../../src/api/schemas.ts';

type Said = NonNullable<WhyView['others']>;

interface PoliciesProps {
  readonly said: Said;
  /** The count that came out. */
  readonly target: number;
}

export function Policies({ said, target }: PoliciesProps): JSX.Element {
  return (
    <table class="plain-table">
      <thead>
        <tr>
          <th scope="col">Policy</th>
          <th scope="col" class="number">
            Replicas
          </th>
          <th scope="col" class="number">
            Against {target}
          </th>
          <th scope="col">Because</th>
        </tr>
      </thead>
      <tbody>
        {said.map(({ policy, target: wished, reason, doubt }) => (
          <tr key={policy}>
            <th scope="row">{policy}</th>
            <td class="number" data-label="Replicas">
              {wished ?? 'no answer'}
            </td>
            <td class="number muted" data-label={`Against ${target}`}>
              {wished === null
                ? '–'
                : wished === target
                  ? 'the same'
                  : wished > target
                    ? `+${wished - target}`
                    : `−${target - wished}`}
            </td>
            <td data-label="Because" class="muted">
              {reason}
              {doubt !== undefined && ` (in doubt: ${doubt})`}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
