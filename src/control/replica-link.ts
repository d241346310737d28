/**
 * Control's own connection to one replica: what state it is in, what it has learned at its start, and whether it still
 * answers. It decides nothing and ends nothing.
 * Invariant: `onDead` is called at most once, and nothing is called after it or after `close`.
 */
import type { Clock } from '../clock.ts';
import type { ReplicaAddress } from '../gateway/routing-table.ts';
import { connectToReplica, type PeerIdentity } from '../tls/peer.ts';
import { openFrameConnection, type FrameConnection } from '../protocol/frames/connection.ts';
import type { HelloHeader, StateHeader, StatusReplyHeader } from '../protocol/frames/messages.ts';

/** What is known of a replica by its own words. */
export type ReplicaFacts = HelloHeader;

export interface ReplicaLinkHandlers {
  /** At the first word, and at each change of state. */
  onFacts(facts: ReplicaFacts): void;
  onStatus(status: StatusReplyHeader): void;
  /** It said nothing for too long. */
  onDead(reason: string): void;
}

export interface ReplicaLink {
  close(): void;
}

/** A runner that was started ahead listens within a few milliseconds, one that boots within a hundred or two. */
const retryMsSoon = 2;
const soonMs = 50;
const retryMs = 25;
/** A process that boots on a machine with every core busy may take this long to its first word. */
const bootMs = 60_000;
/** Asks in a row, not seconds: a laptop that slept for an hour has asked once. They share the time it may be silent. */
const unansweredMax = 5;
const frameBytesMax = 1_048_576;

/**
 * `silentMs`, asked for each time, is how long a replica may answer nothing before it counts as dead; `firstWordMs`, how long
 * it may take to its first word: less than a boot, for one that has been ready before.
 */
export function openReplicaLink(
  address: ReplicaAddress,
  peer: {
    readonly replica: string;
    readonly identity: PeerIdentity | undefined;
    /** Token of the lease under which this control acts; absent where there is none. */
    readonly epoch?: number | undefined;
  },
  handlers: ReplicaLinkHandlers,
  clock: Clock,
  silentMs: () => number,
  firstWordMs = bootMs,
): ReplicaLink {
  const askEveryMs = (): number => silentMs() / unansweredMax;
  const openedAt = clock.now();
  let closed = false;
  let connection: FrameConnection | undefined;
  let facts: ReplicaFacts | undefined;
  let lostAt = openedAt;
  /** Why the last connection failed, where it said so. */
  let failure = '';
  let asked = 0;
  let unanswered = 0;
  let cancelRetry = (): void => {};

  function close(): void {
    closed = true;
    cancelRetry();
    cancelAsk();
    connection?.destroy();
  }

  function dead(reason: string): void {
    if (closed) return;
    close();
    handlers.onDead(reason);
  }

  function learn(next: StateHeader): void {
    if (facts === undefined) return;
    facts = { ...facts, ...next };
    handlers.onFacts(facts);
  }

  function connect(): void {
    const socket = connectToReplica(address, peer.replica, peer.identity);
    connection = openFrameConnection(
      socket,
      {
        onFrame(...[kind, header]) {
          if (closed) return;
          unanswered = 0;
          lostAt = clock.now();
          if (kind === 'hello') {
            facts = header;
            handlers.onFacts(facts);
          } else if (kind === 'state') learn(header);
          else if (kind === 'statusReply') {
            // A state that came while the connection was away.
            if (facts !== undefined && header.state.kind !== facts.state.kind) learn({ state: header.state });
            handlers.onStatus(header);
          }
        },
        onClose(error) {
          connection = undefined;
          failure = error === undefined ? '' : `; the last connection: ${error.message}`;
          if (closed) return;
          cancelRetry = clock.after(clock.now() - lostAt < soonMs ? retryMsSoon : retryMs, connect);
        },
      },
      { frameBytesMax },
    );
  }

  function ask(): void {
    cancelAsk = clock.after(askEveryMs(), ask);
    if (facts === undefined) {
      if (clock.now() - openedAt > firstWordMs)
        dead(
          `it said nothing for ${firstWordMs / 1000} s after ${firstWordMs < bootMs ? 'control looked for it' : 'its start'}${failure}`,
        );
      return;
    }
    if (unanswered >= unansweredMax) {
      dead(`it answered nothing for ${silentMs()} ms (health.silentMs)${failure}`);
      return;
    }
    unanswered += 1;
    asked += 1;
    connection?.send('status', { ask: asked, ...(peer.epoch !== undefined && { epoch: peer.epoch }) });
  }

  let cancelAsk = clock.after(askEveryMs(), ask);
  connect();
  return { close };
}
