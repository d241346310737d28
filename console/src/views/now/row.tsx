/** One deployment: what it serves, how it does against its objective, what it has, and what was decided last. */
import type { JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import { now } from '../../live/store.ts';
import { Badge, toneOf } from '../../parts/badge.tsx';
import { Figure, whyAddress, type FigureProps } from '../../parts/figure.tsx';
import { memo } from '../../parts/memo.ts';
import { Moment } from '../../parts/moment.tsx';
import { NextHint } from '../../parts/next-hint.tsx';
import { Sparkline } from '../../charts/sparkline.tsx';
import { words } from '../../format/quantity.ts';
import { lostShare } from './lost-share.ts';
import { sparkOf } from './sparks.ts';
import { Trouble } from './trouble.tsx';

interface RowProps {
  readonly deployment: DeploymentView;
  readonly at: number;
  /** In the whole table, from 1 with its heading. */
  readonly index: number;
}

const doneWords = {
  held: 'held',
  advised: 'advised only',
  asked: 'waits for approval',
  moved: 'done',
  refused: 'refused',
} as const;

export const DeploymentRow = memo(function DeploymentRow({ deployment, at, index }: RowProps): JSX.Element {
  const { name, model, serving, state, reason, load, counts, desired, sloP99Ms, governor, note } = deployment;
  const spark = sparkOf(name).value;
  /** Of what a gateway told: as old as that is. */
  const seenAt = load.ageMs === null ? undefined : at - load.ageMs;
  const cell = (
    label: string,
    props: Omit<FigureProps, 'label' | 'at'> & { readonly at?: number | undefined },
  ): JSX.Element => (
    <Figure
      inGrid
      showUnit={false}
      why={name}
      at={seenAt}
      source="the gateways"
      {...props}
      label={`${name}: ${label}`}
    />
  );
  const known = load.ageMs === null ? null : undefined;
  const count = (label: string, value: number, word: string): JSX.Element => (
    <td role="cell" class={`number narrow${value === 0 && label !== 'Desired' ? ' zero' : ''}`} data-label={label}>
      {cell(word, { value, unit: 'replicas', at, source: 'control' })}
    </td>
  );
  return (
    <tr role="row" aria-rowindex={index} data-deployment={name}>
      <th role="rowheader" scope="row" class="deployment">
        <a class="deployment-name" href={`/d/${encodeURIComponent(name)}`}>
          {name}
        </a>
        <span class="deployment-more">
          <Badge tone={toneOf(state)} word={state} />
          <span class="muted" title={note ?? reason}>
            {' '}
            {model.includes('@') ? `${serving ?? '–'} @${model.split('@')[1]}` : `version ${serving ?? '–'}`}
          </span>
        </span>
      </th>
      <td role="cell" class="number with-line" data-label="Load">
        {cell('offered load', { value: known ?? load.requestsPerSecond, unit: 'req/s' })}
        <Sparkline values={spark?.perSecond ?? []} label={`${name}: load of the last 15 minutes`} />
      </td>
      <td role="cell" class="number" data-label="p50">
        {cell('median latency of the last answers', { value: load.p50Ms, unit: 'ms' })}
      </td>
      <td role="cell" class="number with-line" data-label="p99 / SLO">
        <span>
          {cell('p99 latency of the last answers', { value: load.p99Ms, unit: 'ms', limit: sloP99Ms })}
          <span class="muted"> / {sloP99Ms === null ? '–' : words(sloP99Ms, 'ms').replace(/ ms$/, '')}</span>
        </span>
        <Sparkline values={spark?.p99Ms ?? []} limit={sloP99Ms} label={`${name}: p99 of the last 15 minutes`} />
      </td>
      <td role="cell" class={`number${lostShare(load) === 0 ? ' zero' : ''}`} data-label="Errors">
        {cell('failed or shed, of what was offered in the last second', {
          value: known ?? lostShare(load),
          unit: 'share',
          limit: 0,
          showUnit: true,
        })}
      </td>
      <td role="cell" class={`number${load.queueLength === 0 ? ' zero' : ''}`} data-label="Queue">
        {cell('requests that wait', { value: known ?? load.queueLength, unit: 'requests' })}
      </td>
      {count('Desired', desired, 'desired replicas')}
      {count('Starting', counts.starting, 'starting replicas')}
      {count('Ready', counts.ready, 'ready replicas')}
      {count('Serving', counts.serving, 'ready replicas that are routed to')}
      {count('Draining', counts.draining, 'draining replicas')}
      <td role="cell" class="decision" data-label="Last decision">
        <Decision deployment={name} governor={governor} trouble={reason} />
      </td>
    </tr>
  );
});

function Decision({
  deployment,
  governor,
  trouble,
}: {
  readonly deployment: string;
  readonly governor: DeploymentView['governor'];
  readonly trouble: string | undefined;
}): JSX.Element {
  const why = trouble !== undefined && <Trouble deployment={deployment} reason={trouble} />;
  if (governor === undefined)
    return (
      <>
        <span class="muted">not governed</span>
        {why}
      </>
    );
  const { decision, mode, doubt } = governor;
  // Drawn again each second, for its age.
  void now.value;
  return (
    <>
      <span class="decision-head">
        <span class={`mode-chip ${mode}`}>{mode}</span>
        {decision === undefined ? (
          <span class="muted">none yet</span>
        ) : (
          <>
            <a tabIndex={-1} href={whyAddress(deployment, decision.at)} data-why={deployment}>
              {decision.from === decision.to ? `hold ${decision.to}` : `${decision.from} → ${decision.to}`}
            </a>
            <span class="muted"> {doneWords[decision.done]} · </span>
            <Moment at={decision.at} relative />
          </>
        )}
      </span>
      {why || (
        <span class="decision-reason muted" title={doubt ?? decision?.reason}>
          <NextHint next={governor.next} />
          {doubt === undefined ? (decision?.reason ?? governor.why ?? '') : `in doubt: ${doubt}`}
        </span>
      )}
    </>
  );
}
