/** One machine: what it has, what of it is promised and used, and the replicas on it. */
import type { ComponentProps, JSX } from 'preact';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { stateWords } from '../../../../src/core/placement/room.ts';
import { Badge } from '../../parts/badge.tsx';
import { measured, Network, Processor, promised, UsedOf } from './node-use.tsx';
import { ReplicaGrid } from './replica-grid.tsx';

export function NodePanel(props: ComponentProps<typeof ReplicaGrid>): JSX.Element {
  const { node } = props;
  const { name, disk } = node;
  const isMeasured = disk.path !== null;
  return (
    <section class="panel node" aria-label={`Node ${name}`}>
      <div class="panel-head">
        <h2>{name}</h2>
        <Badge tone={toneOf(node)} word={stateWords(node)} />
        {node.role !== null && (
          <span class="muted">
            {node.role}
            {node.address !== null && ` at ${node.address}`}
            {Object.entries(node.labels).map(([key, value]) => ` · ${key}=${value}`)}
          </span>
        )}
      </div>
      <dl class="facts">
        {promised(node).map((use) => (
          <UsedOf key={use.name} node={node} {...use} />
        ))}
        {isMeasured && <Processor node={node} />}
        {isMeasured && measured(node).map((use) => <UsedOf key={use.name} node={node} {...use} />)}
        {isMeasured && <Network node={node} />}
      </dl>
      <h3 class="sub">Replicas</h3>
      <ReplicaGrid {...props} />
    </section>
  );
}

function toneOf({ state, availability }: NodeView): 'ok' | 'warn' | 'bad' {
  return state !== 'ready' ? 'bad' : availability === 'active' ? 'ok' : 'warn';
}
