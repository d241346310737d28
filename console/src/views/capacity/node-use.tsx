/** What of a machine is taken: promised by the managers of a cluster, or measured where control runs. */
import type { JSX } from 'preact';
import type { NodeView } from '../../../../src/api/node-schemas.ts';
import { Figure } from '../../parts/figure.tsx';

const machine = 'the machine itself';
const managers = 'the managers of the cluster';

interface NodeProps {
  readonly node: NodeView;
}

/** So much of so much; each with what it is, as its figure says. */
interface Use {
  readonly name: string;
  readonly unit: 'count' | 'bytes';
  readonly used: readonly [number | null, string];
  readonly total: readonly [number | null, string];
  readonly source: string;
}

/** What tasks were promised; nothing of it on a machine that no manager knows. */
export function promised({ cpu, memory, generic }: NodeView): readonly Use[] {
  const use = (name: string, what: string, unit: Use['unit'], used: number | null, total: number | null): Use[] =>
    used === null
      ? []
      : [{ name, unit, used: [used, `${what} promised to tasks`], total: [total, what], source: managers }];
  return [
    ...use('Cores promised', 'cores', 'count', cpu.reservedCores, cpu.cores),
    ...use('Memory promised', 'memory', 'bytes', memory.reservedBytes, memory.totalBytes),
    ...Object.entries(generic).flatMap(([kind, { total, reserved }]) =>
      use(`${kind} promised`, kind, 'count', reserved, total),
    ),
  ];
}

/** What only the machine that control runs on tells, beside processor and network. */
export function measured({ memory, disk }: NodeView): readonly Use[] {
  const use = (name: string, used: number | null, total: number | null): Use => ({
    name,
    unit: 'bytes',
    used: [used, `${name.toLowerCase()} used`],
    total: [total, name.toLowerCase()],
    source: machine,
  });
  return [use('Memory', memory.usedBytes, memory.totalBytes), use('Disk', disk.usedBytes, disk.totalBytes)];
}

export function UsedOf({ node, name, unit, used, total, source }: Use & NodeProps): JSX.Element {
  const figure = ([value, what]: Use['used']): JSX.Element => (
    <Figure value={value} unit={unit} at={node.at} label={`${node.name}: ${what}`} source={source} />
  );
  return (
    <Fact name={name} share={partOf(used[0], total[0])}>
      {figure(used)} of {figure(total)}
    </Fact>
  );
}

const partOf = (used: number | null, total: number | null): number | null =>
  used === null || total === null || total === 0 ? null : used / total;

export function Processor({ node: { name, at, cpu } }: NodeProps): JSX.Element {
  return (
    <Fact name="Processor" share={cpu.busyShare}>
      <Figure value={cpu.busyShare} unit="share" at={at} label={`${name}: processors busy`} source={machine} /> of{' '}
      <Figure value={cpu.cores} unit="count" at={at} label={`${name}: cores`} source={machine} /> cores
    </Fact>
  );
}

export function Network({ node: { name, at, network } }: NodeProps): JSX.Element {
  const { receivedBytesPerSecond, sentBytesPerSecond } = network;
  return (
    <Fact name="Network">
      <span class="rate">
        <Figure
          value={receivedBytesPerSecond}
          unit="bytes"
          at={at}
          label={`${name}: received a second`}
          source={machine}
        />
        /s in,
      </span>{' '}
      <span class="rate">
        <Figure value={sentBytesPerSecond} unit="bytes" at={at} label={`${name}: sent a second`} source={machine} />
        /s out
      </span>
    </Fact>
  );
}

interface FactProps {
  readonly name: string;
  readonly share?: number | null;
  readonly children: JSX.Element | (JSX.Element | string)[];
}

/** A quantity with a bar of how much of it is taken; a bar of what is not known is no bar. */
function Fact({ name, share, children }: FactProps): JSX.Element {
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
