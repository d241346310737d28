/** Each replica: what it is doing, since when, and how long it took. */
import type { JSX } from 'preact';
import type { DeploymentView, ReplicaView } from '../../../../src/api/schemas.ts';
import { Badge, type Tone } from '../../parts/badge.tsx';
import { Figure } from '../../parts/figure.tsx';
import { Moment } from '../../parts/moment.tsx';

const tones: Readonly<Record<ReplicaView['state'], Tone>> = {
  starting: 'busy',
  loading: 'busy',
  warming: 'busy',
  ready: 'ok',
  draining: 'quiet',
  failed: 'bad',
};

export function Replicas({ deployment: { replicas } }: { readonly deployment: DeploymentView }): JSX.Element {
  return (
    <section class="panel" aria-labelledby="replicas">
      <h2 id="replicas">Replicas</h2>
      {replicas.length === 0 ? (
        <p class="muted">There is none. A deployment of min 0 sleeps until the next request.</p>
      ) : (
        <ul class="plain replica-list">
          {replicas.map(({ id, state, version, startedAt, readyAfterMs, residentBytes, reason, where }) => (
            <li key={id}>
              <Badge tone={tones[state]} word={state} /> <code>{id}</code>{' '}
              <span class="muted">
                {where}, version {version}, since <Moment at={startedAt} />
                {readyAfterMs !== undefined && (
                  <>
                    , ready after{' '}
                    <Figure label={`${id}: until it was ready`} value={readyAfterMs} unit="ms" source="its start" />
                  </>
                )}
                {residentBytes !== undefined && (
                  <>
                    , <Figure label={`${id}: memory`} value={residentBytes} unit="bytes" source="its process" />
                  </>
                )}
              </span>
              {reason !== undefined && <p class={state === 'failed' ? 'bad-text' : 'warn-text'}>{reason}</p>}
            </li>
          ))}
        </ul>
      )}
    </section>
  );
}
