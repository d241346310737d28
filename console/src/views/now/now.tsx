/** Is all well, what is the governor doing, what needs me? Every deployment in a line, live. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { words } from '../../format/quantity.ts';
import { status } from '../../live/store.ts';
import { Figure } from '../../parts/figure.tsx';
import { Empty, Unheard } from '../../parts/states.tsx';
import { choose } from '../../router.ts';
import type { ViewProps } from '../../views.ts';
import { Happenings } from './happenings.tsx';
import { arranged, orders, totals, type Order } from './filter.ts';
import { DeploymentTable } from './table.tsx';

const orderNames: Readonly<Record<Order, string>> = {
  name: 'by name',
  trouble: 'trouble first',
  load: 'busiest first',
};

export default function Now({ query }: ViewProps): JSX.Element {
  const { value: seen } = status;
  const text = query['filter'] ?? '';
  const order = orders.find((each) => each === query['order']) ?? 'name';
  const shown = useMemo(() => arranged(seen?.deployments ?? [], { text, order }), [seen, text, order]);
  return (
    <>
      <div class="page-head">
        <h1>Now</h1>
        {seen !== undefined && seen.deployments.length > 0 && <Summary />}
        <form class="tools" role="search" onSubmit={(event) => event.preventDefault()}>
          <label class="field inline">
            <span class="sr-only">Filter deployments</span>
            <input
              type="search"
              data-search
              placeholder="Filter by name, model, state, mode"
              value={text}
              onInput={({ currentTarget }) => choose({ filter: currentTarget.value })}
            />
          </label>
          <label class="select">
            <span class="sr-only">Order</span>
            <select
              value={order}
              onChange={({ currentTarget: { value } }) => choose({ order: value === 'name' ? '' : value })}
            >
              {orders.map((each) => (
                <option key={each} value={each}>
                  {orderNames[each]}
                </option>
              ))}
            </select>
          </label>
        </form>
      </div>
      {seen === undefined ? (
        <Unheard lines={6} />
      ) : seen.deployments.length === 0 ? (
        <Empty title="Nothing is deployed yet." command="flyball deploy my-model.onnx --name mine">
          Deploy a model, and it is here within seconds.
        </Empty>
      ) : shown.length === 0 ? (
        <Empty title={`No deployment has “${text}” in its name, model, state or mode.`}>
          <button type="button" class="button" onClick={() => choose({ filter: '' })}>
            Show all {seen.deployments.length}
          </button>
        </Empty>
      ) : (
        <DeploymentTable deployments={shown} at={seen.at} />
      )}
      {seen !== undefined && <Happenings />}
    </>
  );
}

function Summary(): JSX.Element | null {
  const { value: seen } = status;
  if (seen === undefined) return null;
  const { requestsPerSecond, desired, ready, over, promised } = totals(seen.deployments);
  const { at } = seen;
  return (
    <p class="summary">
      <Figure value={seen.deployments.length} unit="count" at={at} label="Deployments" source="the status" />{' '}
      deployments
      <span class="dot"> · </span>
      <Figure
        value={requestsPerSecond}
        unit="req/s"
        at={at}
        label="Offered load, all deployments"
        source="the gateways"
      />
      <span class="dot"> · </span>
      <Figure value={ready} unit="count" at={at} label="Ready replicas, all deployments" source="the status" /> of{' '}
      <Figure value={desired} unit="count" at={at} label="Desired replicas, all deployments" source="the status" />{' '}
      replicas ready
      {promised > 0 && (
        <>
          <span class="dot"> · </span>
          <Figure
            value={promised - over}
            unit="count"
            at={at}
            label="Deployments within their objective"
            source="the latencies of the last answers"
          />{' '}
          of {words(promised, 'count')} within SLO
        </>
      )}
    </p>
  );
}
