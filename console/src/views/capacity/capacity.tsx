/** Where everything runs, what is coming, how long it takes and what it costs. */
import type { JSX } from 'preact';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { ask } from '../../api/client.ts';
import { status } from '../../live/store.ts';
import { useResource } from '../../live/use-resource.ts';
import { Figure } from '../../parts/figure.tsx';
import { Async, Empty, Unheard } from '../../parts/states.tsx';
import type { ViewProps } from '../../views.ts';
import { Budgets } from './budget.tsx';
import { LagAnatomy } from './lag-anatomy.tsx';
import { NodePanel } from './node-panel.tsx';
import { OperationList } from './operation-list.tsx';
import { MarkLegend } from './replica-grid.tsx';
import { counted } from './room.ts';
import '../../styles/tables.css';
import './capacity.css';

export default function Capacity({ query }: ViewProps): JSX.Element {
  const nodes = useResource('nodes', (signal) => ask<NodeView[]>('/nodes', { signal }), { everyMs: 5000 });
  const { value: seen } = status;
  const deployments = seen?.deployments ?? [];
  const { replicas, ready, max } = counted(deployments);
  const chosen = deployments.find(({ name }) => name === query['of'])?.name ?? deployments[0]?.name;
  return (
    <>
      <div class="page-head">
        <h1>Capacity</h1>
        {seen !== undefined && (
          <p class="summary">
            <Figure value={replicas} unit="count" at={seen.at} label="Replicas in any state" source="control" />{' '}
            replicas
            <span class="dot"> · </span>
            <Figure value={ready} unit="count" at={seen.at} label="Ready replicas" source="control" /> ready
            <span class="dot"> · </span>
            <Figure
              value={max}
              unit="count"
              at={seen.at}
              label="Replicas at most, all deployments"
              source="control"
            />{' '}
            at most
          </p>
        )}
      </div>
      <Async of={nodes} lines={5}>
        {(all) => (
          <div class="nodes">
            {all.map((node) => (
              <NodePanel key={node.name} node={node} deployments={deployments} only={all.length === 1} />
            ))}
            <MarkLegend />
          </div>
        )}
      </Async>
      <div class="halves">
        {seen === undefined ? (
          <section class="panel">
            <Unheard lines={3} />
          </section>
        ) : chosen === undefined ? (
          <section class="panel">
            <Empty title="Nothing is deployed yet." command="flyball deploy my-model.onnx --name mine" />
          </section>
        ) : (
          <LagAnatomy deployments={deployments} chosen={chosen} />
        )}
        {seen !== undefined && <Budgets deployments={deployments} at={seen.at} />}
      </div>
      <OperationList />
    </>
  );
}
