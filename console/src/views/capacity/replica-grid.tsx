/** Every replica on a machine as a mark that tells its state, by deployment. */
import type { JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { words } from '../../format/quantity.ts';
import { cardHandlers } from '../../parts/card.tsx';
import { placedOn, replicaShapes, type Placed } from './room.ts';

interface ReplicaGridProps {
  readonly node: NodeView;
  readonly deployments: readonly DeploymentView[];
  /** There is no other machine: what says nowhere that it runs runs here. */
  readonly only: boolean;
}

export function ReplicaGrid({ node, deployments, only }: ReplicaGridProps): JSX.Element {
  const placed = placedOn(node, deployments, only);
  if (placed.length === 0) return <p class="muted">No replica runs here.</p>;
  return (
    <table class="replica-grid">
      <caption class="sr-only">Replicas by deployment, one mark each.</caption>
      <thead class="sr-only">
        <tr>
          <th scope="col">Deployment</th>
          <th scope="col">Replicas</th>
          <th scope="col">Count</th>
        </tr>
      </thead>
      <tbody>
        {placed.map(({ name, max, placed: all }) => (
          <tr key={name}>
            <th scope="row">
              <a href={`/d/${encodeURIComponent(name)}`}>{name}</a>
            </th>
            <td>
              <span class="marks">
                {all.map((one) => (
                  <Mark key={one.replica.id} {...one} />
                ))}
              </span>
            </td>
            <td class="muted number">
              {all.length} of at most {max}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** What the marks mean; to whoever hears the page, each mark says it itself. */
export function MarkLegend(): JSX.Element {
  return (
    <p class="legend muted" aria-hidden="true">
      {Object.entries(replicaShapes).map(([state, shape]) => (
        <span key={state}>
          <span class={`mark ${state}`}>{shape}</span> {state}
        </span>
      ))}
    </p>
  );
}

function Mark({ replica, cpuShare, memoryBytes, why }: Placed): JSX.Element {
  const { id, state, version, reason, readyAfterMs, limits } = replica;
  const lines = [
    `${state}, version ${version}`,
    `processor ${words(cpuShare, 'share')} of its allowance (limits: ${limits}), memory ${words(memoryBytes, 'bytes')}`,
    ...(readyAfterMs === undefined ? [] : [`ready ${words(readyAfterMs, 'ms')} after its order`]),
    ...(reason === undefined ? [] : [reason]),
    ...(why === undefined ? [] : [`here: ${why}`]),
  ];
  return (
    <span
      class={`mark ${state}`}
      role="img"
      aria-label={`${id}: ${lines.join('; ')}`}
      tabIndex={0}
      {...cardHandlers(() => ({ title: id, lines }))}
    >
      {replicaShapes[state]}
    </span>
  );
}
