/**
 * The seam between a node's orchestrator and what the node keeps ready for its replicas. Whatever is behind it may be
 * empty, late or wrong: a start never depends on it.
 */
import type { ReplicaOrder } from '../../control/orchestrator.ts';

type Launch = ReplicaOrder['launch'];

export interface PreparedModels extends AsyncDisposable {
  /** The launch together with what is there for it; unchanged when that is nothing. Never throws. */
  equip(launch: Launch): Launch;
  /** A replica started with this launch is ready: what is missing is made, later and at the lowest priority. */
  ready(launch: Launch): void;
  /** A replica started with this launch died before it was ready: what it was given may be why. */
  suspect(launch: Launch, reason: string): void;
}
