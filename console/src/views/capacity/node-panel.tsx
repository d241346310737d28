/** One machine: what it has, what is used, and every replica on it as a mark that tells its state. */
import type { JSX } from 'preact';
import type { DeploymentView } from '../../../../src/api/schemas.ts';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { stateWords } from '../../../../src/core/placement/room.ts';
import { words } from '../../format/quantity.ts';
import { Badge } from '../../parts/badge.tsx';
import { cardHandlers } from '../../parts/card.tsx';
import { Figure } from '../../parts/figure.tsx';
import { placedOn, replicaShapes, type Placed } from './room.ts';

interface NodePanelProps {
  readonly node: NodeView;
  readonly deployments: readonly DeploymentView[];
  readonly only: boolean;
}

export function NodePanel({ node, deployments, only }: NodePanelProps): JSX.Element {
  const { name, at, cpu, memory, disk } = node;
  const source = 'the machine itself';
  const managers = 'the managers of the cluster';
  const isMeasured = disk.path !== null;
  const part = (used: number | null, total: number | null): number | null =>
    used === null || total === null || total === 0 ? null : used / total;
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
        {cpu.reservedCores !== null && (
          <Use name="Cores promised" share={part(cpu.reservedCores, cpu.cores)}>
            <Figure
              value={cpu.reservedCores}
              unit="count"
              at={at}
              label={`${name}: cores promised to tasks`}
              source={managers}
            />{' '}
            of <Figure value={cpu.cores} unit="count" at={at} label={`${name}: cores`} source={managers} />
          </Use>
        )}
        {memory.reservedBytes !== null && (
          <Use name="Memory promised" share={part(memory.reservedBytes, memory.totalBytes)}>
            <Figure
              value={memory.reservedBytes}
              unit="bytes"
              at={at}
              label={`${name}: memory promised to tasks`}
              source={managers}
            />{' '}
            of <Figure value={memory.totalBytes} unit="bytes" at={at} label={`${name}: memory`} source={managers} />
          </Use>
        )}
        {Object.entries(node.generic).map(([kind, { total, reserved }]) => (
          <Use key={kind} name={`${kind} promised`} share={part(reserved, total)}>
            <Figure
              value={reserved}
              unit="count"
              at={at}
              label={`${name}: ${kind} promised to tasks`}
              source={managers}
            />{' '}
            of <Figure value={total} unit="count" at={at} label={`${name}: ${kind}`} source={managers} />
          </Use>
        ))}
        {isMeasured && <Measured node={node} source={source} part={part} />}
      </dl>
      <h3 class="sub">Replicas</h3>
      <ReplicaGrid node={node} deployments={deployments} only={only} />
    </section>
  );
}

interface MeasuredProps {
  readonly node: NodeView;
  readonly source: string;
  readonly part: (used: number | null, total: number | null) => number | null;
}

/** What only the machine that control runs on tells. */
function Measured({ node, source, part }: MeasuredProps): JSX.Element {
  const { name, at, cpu, memory, disk, network } = node;
  return (
    <>
      <Use name="Processor" share={cpu.busyShare}>
        <Figure value={cpu.busyShare} unit="share" at={at} label={`${name}: processors busy`} source={source} /> of{' '}
        <Figure value={cpu.cores} unit="count" at={at} label={`${name}: cores`} source={source} /> cores
      </Use>
      <Use name="Memory" share={part(memory.usedBytes, memory.totalBytes)}>
        <Figure value={memory.usedBytes} unit="bytes" at={at} label={`${name}: memory used`} source={source} /> of{' '}
        <Figure value={memory.totalBytes} unit="bytes" at={at} label={`${name}: memory`} source={source} />
      </Use>
      <Use name="Disk" share={part(disk.usedBytes, disk.totalBytes)}>
        <Figure value={disk.usedBytes} unit="bytes" at={at} label={`${name}: disk used`} source={source} /> of{' '}
        <Figure value={disk.totalBytes} unit="bytes" at={at} label={`${name}: disk`} source={source} />
      </Use>
      <Use name="Network">
        <Figure
          value={network.receivedBytesPerSecond}
          unit="bytes"
          at={at}
          label={`${name}: received a second`}
          source={source}
        />
        /s in,{' '}
        <Figure
          value={network.sentBytesPerSecond}
          unit="bytes"
          at={at}
          label={`${name}: sent a second`}
          source={source}
        />
        /s out
      </Use>
    </>
  );
}

function toneOf({ state, availability }: NodeView): 'ok' | 'warn' | 'bad' {
  return state !== 'ready' ? 'bad' : availability === 'active' ? 'ok' : 'warn';
}

interface UseProps {
  readonly name: string;
  readonly share?: number | null;
  readonly children: JSX.Element | (JSX.Element | string)[];
}

/** A quantity with a bar of how much of it is taken; a bar of what is not known is no bar. */
function Use({ name, share, children }: UseProps): JSX.Element {
  return (
    <div class="fact">
      <dt>{name}</dt>
      <dd>
        {children}
        {share != null && (
          <svg class="meter" viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
            <rect class="meter-all" width="100" height="4" />
            <rect class={share > 0.9 ? 'meter-used high' : 'meter-used'} width={Math.min(1, share) * 100} height="4" />
          </svg>
        )}
      </dd>
    </div>
  );
}

function ReplicaGrid({ node, deployments, only }: NodePanelProps): JSX.Element {
  const placed = placedOn(node, deployments, only);
  if (placed.length === 0) return <p class="muted">No replica runs here.</p>;
  return (
    <>
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
      <p class="legend muted" aria-hidden="true">
        {Object.entries(replicaShapes).map(([state, shape]) => (
          <span key={state}>
            <span class={`mark ${state}`}>{shape}</span> {state}
          </span>
        ))}
      </p>
    </>
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
