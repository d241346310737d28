/** Where a platform on a Swarm is reached, and the last lines of its start. Pure. */
import type { StatusView } from '../../api/schemas.ts';
import type { ClusterMember } from '../../core/placement/node.ts';
import { gatewayMetricsPort, homesOf, hostOf, type StackOrder } from '../../drivers/orchestrators/swarm/stack/order.ts';
import { overviewText, type StatusStyle } from '../status-text.ts';
import { commandName, curlWith, type Around } from '../up-text.ts';
import type { RememberedFleet } from './remembered.ts';

type Listener = 'control' | 'http' | 'grpc' | 'metrics';

const certificateOf = ({ specification }: StackOrder, name: Listener): string | undefined =>
  (specification.listeners[name].tls ?? specification.tls)?.certificate;

function urlAt(order: StackOrder, name: Listener, address: string, port?: number): string {
  const secure = certificateOf(order, name) !== undefined;
  const scheme = name === 'grpc' ? (secure ? 'grpcs' : 'grpc') : secure ? 'https' : 'http';
  return `${scheme}://${hostOf(address)}:${port ?? order.specification.listeners[name].port}`;
}

export const gatewayUrl = (order: StackOrder, node: Pick<ClusterMember, 'address'>): string =>
  urlAt(order, 'http', node.address);

/**
 * Whoever takes one gateway takes the first that answers: so those beside control come first, since without that node the
 * verbs have nobody to ask anyway.
 */
export function addressesOf(
  order: StackOrder,
  gateways: readonly ClusterMember[],
): Pick<RememberedFleet, 'control' | 'http' | 'grpc' | 'certificates'> {
  const listeners = ['control', 'http', 'grpc'] as const;
  const certificates = listeners.flatMap((name) => {
    const path = certificateOf(order, name);
    return path === undefined ? [] : [[name, path] as const];
  });
  const homes = homesOf(order);
  const isHome = ({ id }: ClusterMember): boolean => homes.some((home) => home.id === id);
  const ordered = gateways.toSorted(
    (left, right) => Number(isHome(right)) - Number(isHome(left)) || left.name.localeCompare(right.name),
  );
  return {
    control: homes.map(({ address }) => urlAt(order, 'control', address)),
    http: ordered.map(({ address }) => urlAt(order, 'http', address)),
    grpc: ordered.map(({ address }) => urlAt(order, 'grpc', address)),
    certificates: Object.fromEntries(certificates),
  };
}

export function fleetText(
  status: StatusView,
  order: StackOrder,
  gateways: readonly ClusterMember[],
  style: StatusStyle,
  around: Around,
): string {
  const line = (name: string, address: string): string => `  ${name.padEnd(12)} ${address}`;
  const homes = homesOf(order);
  const width = Math.max(...gateways.map(({ name }) => name.length));
  const lines = homes.flatMap(({ name, address }) => {
    const control = urlAt(order, 'control', address);
    return [
      line('console', `${control}/${homes.length > 1 ? `   while control acts on ${name}` : ''}`),
      line('control API', `${control}/api/v1`),
      line('metrics', `${urlAt(order, 'metrics', address)}/metrics`),
    ];
  });
  const port = gatewayMetricsPort(order.specification);
  const each = gateways
    .toSorted((left, right) => left.name.localeCompare(right.name))
    .map(({ name, address }, index) =>
      line(
        index === 0 ? 'gateways' : '',
        `${name.padEnd(width)}  ${urlAt(order, 'http', address)}  ${urlAt(order, 'grpc', address)}  ${urlAt(order, 'metrics', address, port)}/metrics`,
      ),
    );
  const tries = trials(status, order, gateways, around).map((text) => `  ${text}`);
  return ['', overviewText(status, style).trimEnd(), '', ...lines, ...each, '', 'Try:', ...tries, ''].join('\n');
}

function trials(
  status: StatusView,
  order: StackOrder,
  gateways: readonly ClusterMember[],
  { where, keyFile }: Around,
): string[] {
  const command = commandName();
  const first = status.deployments.find(({ counts }) => counts.ready > 0);
  const [gateway] = gateways;
  return [
    ...(first === undefined || gateway === undefined
      ? []
      : [`${curlWith(keyFile)} ${urlAt(order, 'http', gateway.address)}/v2/models/${first.name}`]),
    `${command} nodes${where}`,
    `${command} status -w${where}`,
    ...(first === undefined ? [] : [`${command} load ${first.name} --rate 50/s${where}`]),
    `${command} down${where}`,
  ];
}
