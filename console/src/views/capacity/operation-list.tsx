/** Everything that was asked for lately: who asked, how old it is, how far it is, and why it failed. */
import type { JSX } from 'preact';
import type { OperationView } from '../../../../src/api/schemas.ts';
import { ask } from '../../api/client.ts';
import { useResource } from '../../live/use-resource.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Moment } from '../../parts/moment.tsx';
import { Async, Empty } from '../../parts/states.tsx';

const tones: Readonly<Record<OperationView['state'], Tone>> = { running: 'busy', succeeded: 'ok', failed: 'bad' };
const shownMax = 20;

export function OperationList(): JSX.Element {
  const asked = useResource('operations', (signal) => ask<OperationView[]>('/operations', { signal }), {
    everyMs: 2000,
  });
  return (
    <section class="panel" aria-labelledby="all-operations">
      <h2 id="all-operations">Operations</h2>
      <Async of={asked}>
        {(operations) =>
          operations.length === 0 ? (
            <Empty title="Nobody has asked for anything lately." command="flyball deploy my-model.onnx --name mine" />
          ) : (
            <div class="table-frame flat">
              <table class="plain-table">
                <thead>
                  <tr>
                    <th scope="col">State</th>
                    <th scope="col">What</th>
                    <th scope="col">Asked for by</th>
                    <th scope="col">Begun</th>
                    <th scope="col">Last step</th>
                  </tr>
                </thead>
                <tbody>
                  {operations.slice(0, shownMax).map(({ id, kind, subject, state, by, startedAt, steps, error }) => (
                    <tr key={id}>
                      <td data-label="State">
                        <Badge tone={tones[state]} word={state} />
                      </td>
                      <td data-label="What">
                        {kind} <strong>{subject}</strong>
                      </td>
                      <td data-label="Asked for by">{by}</td>
                      <td data-label="Begun">
                        <Moment at={startedAt} relative />
                      </td>
                      <td data-label="Last step" class="muted">
                        {error?.detail ?? steps.at(-1)?.text ?? 'none yet'}
                      </td>
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Async>
    </section>
  );
}
