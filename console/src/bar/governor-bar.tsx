/** On every page: who governs, what waits for a person, how old the news is, how the budget goes, and the way to stop it. */
import type { JSX } from 'preact';
import { mayOperate } from '../api/caller.ts';
import { words } from '../format/quantity.ts';
import { span } from '../format/time.ts';
import { now, paused, status } from '../live/store.ts';
import { Figure } from '../parts/figure.tsx';
import { open } from '../shortcuts.ts';
import { useBurn } from './use-burn.ts';
import { ConnectionState } from './connection-state.tsx';
import { modesOf, oldestSignal } from './summary.ts';

export function GovernorBar(): JSX.Element {
  const { value: seen } = status;
  const halt = seen?.governor?.halt;
  const halts = Object.keys(seen?.governor?.halts ?? {});
  const approvals = seen?.governor?.approvals.length ?? 0;
  return (
    <section class="governor" aria-label="Governor" data-halted={halt !== undefined}>
      <dl class="governor-facts">
        <div>
          <dt>Mode</dt>
          <dd>
            {halt !== undefined ? (
              <strong class="halted">
                <span aria-hidden="true">■</span> Stopped
              </strong>
            ) : (
              <Modes />
            )}
            {halts.length > 0 && <span class="halted"> {halts.length} stopped</span>}
          </dd>
        </div>
        <div>
          <dt>Approvals</dt>
          <dd>
            <button
              type="button"
              class={approvals > 0 ? 'button small call' : 'button small quiet'}
              onClick={() => (open.value = 'approvals')}
            >
              {seen === undefined
                ? '…'
                : approvals === 0
                  ? 'none wait'
                  : approvals === 1
                    ? '1 waits'
                    : `${approvals} wait`}
            </button>
          </dd>
        </div>
        <div>
          <dt>Oldest signal</dt>
          <dd>
            <OldestSignal />
          </dd>
        </div>
        <div>
          <dt>Budget burn</dt>
          <dd>
            <BudgetBurn />
          </dd>
        </div>
        <div>
          <dt>Connection</dt>
          <dd>
            <ConnectionState />
          </dd>
        </div>
      </dl>
      <div class="governor-acts">
        <button
          type="button"
          class="button small"
          aria-pressed={paused.value}
          onClick={() => (paused.value = !paused.value)}
        >
          {paused.value ? '▶ Resume updates' : '❙❙ Pause updates'}
        </button>
        {mayOperate.value && seen !== undefined && (
          <button
            type="button"
            class={halt === undefined ? 'button stop' : 'button release'}
            onClick={() => (open.value = 'stop')}
          >
            {halt === undefined ? (
              <>
                <span aria-hidden="true">■</span> Stop
              </>
            ) : (
              'Release…'
            )}
          </button>
        )}
      </div>
    </section>
  );
}

function Modes(): JSX.Element {
  const { value: seen } = status;
  if (seen === undefined) return <span class="muted">…</span>;
  const { parts } = modesOf(seen.deployments);
  if (parts.length === 0) return <span class="muted">nothing governed</span>;
  return (
    <>
      {parts.map(({ mode, count }, index) => (
        <span key={mode} class={`mode ${mode}`}>
          {index > 0 && <span class="muted"> · </span>}
          <b>{count}</b> {mode}
        </span>
      ))}
    </>
  );
}

/** Older than this, what is decided rests on what was. */
const oldMs = 5000;

function OldestSignal(): JSX.Element {
  const { value: seen } = status;
  const oldest = seen === undefined ? undefined : oldestSignal(seen, now.value);
  if (seen === undefined) return <span class="muted">…</span>;
  if (oldest === undefined) return <span class="muted">none yet</span>;
  const { ageMs, deployment } = oldest;
  if (ageMs === null)
    return (
      <span title={deployment}>
        never <span class="muted">({deployment})</span>
      </span>
    );
  return (
    <span class={ageMs > oldMs ? 'warn-text' : ''}>
      {ageMs > oldMs && <span aria-hidden="true">▲ </span>}
      {span(ageMs)}
      {ageMs > oldMs && <span class="muted"> ({deployment})</span>}
    </span>
  );
}

function BudgetBurn(): JSX.Element {
  const { burn, at, promised, asked } = useBurn();
  if (status.value === undefined) return <span class="muted">…</span>;
  if (promised === 0) return <span class="muted">no objectives</span>;
  if (at !== undefined && burn === undefined) return <span class="muted">no requests</span>;
  const of = asked < promised ? `, the worst of the ${asked} busiest of ${promised}` : '';
  return (
    <Figure
      value={burn?.rate}
      unit="times"
      at={at}
      staleAfterMs={60_000}
      limit={1}
      label={burn === undefined ? 'Burn of error budgets' : `${burn.deployment}: ${burn.what}`}
      {...(burn === undefined ? {} : { why: burn.deployment })}
      source={
        burn === undefined
          ? 'the series'
          : `the series of the last 5 min${of}: ${burn.bad} of ${burn.all} were not so; ${words(burn.budget, 'share')} may be`
      }
    />
  );
}
