/**
 * What is known of a gateway that is connected: who it is, here or on another machine, and what it has observed within a
 * window. Pure.
 */
import { FlyballError } from '../errors.ts';
import type { GatewayMessage } from '../gateway/routing-table.ts';

export type Observation = Extract<GatewayMessage, { kind: 'observation' }>;

/** As it said hello, with the revisions that it has acted on since. */
export interface ConnectedGateway extends Omit<Extract<GatewayMessage, { kind: 'hello' }>, 'kind'> {
  readonly latest?: Observation;
  /** About `rateWindowMs` before the latest: what rates are taken against. */
  readonly previous?: Observation;
  /** From `previous` on, oldest first. */
  readonly history: readonly Observation[];
}

/** Tells gateways apart over time: the same as long as the process lives, and nobody else's. */
export const processOf = ({ instance, worker, pid }: Pick<ConnectedGateway, 'instance' | 'worker' | 'pid'>): string =>
  instance ?? `${worker} ${pid}`;

/** For people: `0` on this machine, `worker-2/0` elsewhere. */
export const nameOf = ({ node, worker }: Pick<ConnectedGateway, 'node' | 'worker'>): string =>
  node === undefined ? String(worker) : `${node}/${worker}`;

const nameLengthMax = 253;
/** Two observations may come right after one another: over milliseconds a single request is a hundred a second. */
const rateWindowMs = 1000;
const historySpacingMs = 200;

/** This machine's first. */
export function byNode(one: ConnectedGateway, other: ConnectedGateway): number {
  const [left = '', right = ''] = [one.node, other.node];
  if (left !== right) return left < right ? -1 : 1;
  return one.worker - other.worker;
}

/** Without a name it would count as one of this machine's. */
export function remoteIn({ node, instance }: { readonly node?: string; readonly instance?: string }) {
  const isName = (text: unknown): text is string =>
    typeof text === 'string' && text !== '' && text.length <= nameLengthMax;
  if (isName(node) && isName(instance)) return { node, instance };
  throw new FlyballError('PROTOCOL', 'expected the node and instance of a gateway of another machine, got none');
}

/** The last one that is a whole window old stays in front; bounded, as those that come in quick succession are skipped. */
export function withinWindow(
  history: readonly Observation[],
  latest: Observation | undefined,
  at: number,
): readonly Observation[] {
  const last = history.at(-1);
  const grown =
    latest === undefined || (last !== undefined && latest.at - last.at < historySpacingMs)
      ? history
      : [...history, latest];
  const start = grown.findLastIndex((each) => at - each.at >= rateWindowMs);
  return start <= 0 ? grown : grown.slice(start);
}
