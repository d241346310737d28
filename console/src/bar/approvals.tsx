/** Changes that wait for a person, exactly as they will be carried out; whoever may not decide reads them. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ApprovalView } from '../../../src/api/schemas.ts';
import { actor, allows, caller } from '../api/caller.ts';
import { ask, segment } from '../api/client.ts';
import { span } from '../format/time.ts';
import { pageNow, serverNow, status } from '../live/store.ts';
import { Dialog } from '../parts/dialog.tsx';
import { whyAddress } from '../parts/figure.tsx';
import { Moment } from '../parts/moment.tsx';
import { Empty, Failed } from '../parts/states.tsx';
import { useAct } from '../parts/use-act.ts';
import { effectOf } from './effect.ts';

export function ApprovalsDialog({ onClose }: { readonly onClose: () => void }): JSX.Element {
  const approvals = status.value?.governor?.approvals ?? [];
  return (
    <Dialog title="Waiting for approval" onClose={onClose} wide>
      {approvals.length === 0 ? (
        <Empty title="Nothing waits for a person.">
          A deployment whose mode is <code>approve</code> asks here before its target is changed.
        </Empty>
      ) : (
        <ul class="plain">
          {approvals.map((approval) => (
            <li key={approval.id}>
              <Approval approval={approval} onClose={onClose} />
            </li>
          ))}
        </ul>
      )}
    </Dialog>
  );
}

function Approval({
  approval,
  onClose,
}: {
  readonly approval: ApprovalView;
  readonly onClose: () => void;
}): JSX.Element {
  const { id, deployment, from, to, reason, at, expiresAt } = approval;
  const [words, setWords] = useState('');
  const act = useAct();
  const may = allows(caller.value, 'operate', deployment);
  // Counted down by the page's clock: it expires while updates are paused, too.
  const leftMs = pageNow.value === 0 ? 0 : expiresAt - serverNow();
  const decide = (what: 'approve' | 'reject'): void => {
    const rest = what === 'reject' && words.trim() !== '' ? { reason: words.trim() } : {};
    act.run(() => ask(`/approvals/${segment(id)}/${what}`, { method: 'POST', body: { by: actor.peek(), ...rest } }));
  };
  return (
    <article class="approval">
      <h3>
        <a href={whyAddress(deployment, at)} onClick={onClose}>
          {deployment}
        </a>
        : {from} → {to} replicas
      </h3>
      <p>
        {effectOf(
          approval,
          status.value?.deployments.find(({ name }) => name === deployment),
        )}
      </p>
      <dl class="facts">
        <div>
          <dt>Because</dt>
          <dd>{reason}</dd>
        </div>
        <div>
          <dt>Asked</dt>
          <dd>
            <Moment at={at} relative />
          </dd>
        </div>
        <div>
          <dt>Expires</dt>
          <dd>
            <Moment at={expiresAt} /> <span class="muted">· in {span(Math.max(0, leftMs))}</span>
          </dd>
        </div>
        <div>
          <dt>Number</dt>
          <dd>
            <code>{id}</code> <span class="muted">this never changes; another wish has another number</span>
          </dd>
        </div>
      </dl>
      {act.failure !== undefined && <Failed failure={act.failure} />}
      {may ? (
        <div class="approval-acts">
          <label class="field inline">
            <span>Reason, if refused</span>
            <input
              type="text"
              maxLength={1000}
              value={words}
              onInput={({ currentTarget }) => setWords(currentTarget.value)}
            />
          </label>
          <button type="button" class="button" disabled={act.isRunning} onClick={() => decide('reject')}>
            Reject
          </button>
          <button type="button" class="button solid" disabled={act.isRunning} onClick={() => decide('approve')}>
            Approve {from} → {to}
          </button>
        </div>
      ) : (
        <p class="muted">Whoever decides needs a key with the scope operate.</p>
      )}
    </article>
  );
}
