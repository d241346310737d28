/**
 * Changes that wait for a person. What is approved is what was shown: one never changes, it is decided, expires, or is
 * withdrawn when the governor no longer wants it. Kept in the store, so that a restart forgets none.
 */
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Store } from '../../store/store.ts';

export interface Approval {
  readonly id: string;
  readonly deployment: string;
  readonly from: number;
  readonly to: number;
  readonly reason: string;
  /** Unix milliseconds, for people. */
  readonly at: number;
  readonly expiresAt: number;
}

export interface Approvals {
  list(): readonly Approval[];
  of(deployment: string): Approval | undefined;
  /** APPROVAL_NOT_FOUND. */
  get(id: string): Approval;
  /** Asks for it, unless this or a younger wish waits already, or the same was rejected a moment ago. */
  propose(wish: Pick<Approval, 'deployment' | 'from' | 'to' | 'reason'>): void;
  /** Nothing is wished any more. */
  withdraw(deployment: string, reason: string): void;
  /** It has been carried out, or refused by a person. */
  decided(approval: Approval, what: 'approve' | 'reject', by: string, reason: string): void;
  /** Lets go of what has waited for too long. */
  expire(): void;
}

const key = 'governor.approvals';
/** A wish of ten minutes ago is about another load. */
const approvalMs = 600_000;
/** A wait that began just now is not replaced by every change of mind. */
const settledMs = 10_000;
/** What a person has refused is not asked for again at once. */
const rejectedMs = 300_000;

export async function openApprovals(store: Store, journal: Journal, clock: Clock): Promise<Approvals> {
  const text = await store.meta(key);
  // Monotonic times begin with this control: what waits gets its whole time again at most.
  const waiting = new Map<string, { readonly approval: Approval; readonly since: number; readonly until: number }>();
  for (const approval of text === undefined ? [] : (JSON.parse(text) as readonly Approval[])) {
    const leftMs = Math.min(approvalMs, Math.max(0, approval.expiresAt - clock.wall()));
    waiting.set(approval.deployment, { approval, since: clock.now(), until: clock.now() + leftMs });
  }
  const rejected = new Map<string, { readonly to: number; readonly until: number }>();

  function keep(): void {
    const list = JSON.stringify([...waiting.values()].map(({ approval }) => approval));
    // A lost list costs a question, never an action.
    void store.setMeta(key, list).catch(() => undefined);
  }

  function end(approval: Approval, action: string, by: string, reason: string): void {
    if (waiting.get(approval.deployment)?.approval.id !== approval.id) return;
    waiting.delete(approval.deployment);
    const { id, deployment: subject, from, to } = approval;
    journal.note({ kind: 'approval', action, subject, by, reason, details: { id, from, to } });
    keep();
  }

  return {
    list: () => [...waiting.values()].map(({ approval }) => approval),
    of: (deployment) => waiting.get(deployment)?.approval,
    get(id) {
      const found = [...waiting.values()].find(({ approval }) => approval.id === id);
      if (found !== undefined) return found.approval;
      throw new FlyballError(
        'APPROVAL_NOT_FOUND',
        `no change ${id} waits for approval: it was decided, or has expired`,
      );
    },
    propose({ deployment, from, to, reason }) {
      const at = clock.now();
      const before = waiting.get(deployment);
      if (before?.approval.to === to && before.approval.from === from) return;
      if (before !== undefined && at - before.since < settledMs) return;
      const refused = rejected.get(deployment);
      if (refused?.to === to && at < refused.until) return;
      if (before !== undefined) end(before.approval, 'withdraw', 'governor', `${to} replicas are wanted now`);
      const id = randomUUID().slice(0, 8);
      const approval = { id, deployment, from, to, reason, at: clock.wall(), expiresAt: clock.wall() + approvalMs };
      waiting.set(deployment, { approval, since: at, until: at + approvalMs });
      const details = { id, from, to, expiresAt: approval.expiresAt };
      journal.note({ kind: 'approval', action: 'ask', subject: deployment, by: 'governor', reason, details });
      keep();
    },
    withdraw(deployment, reason) {
      const found = waiting.get(deployment);
      if (found !== undefined) end(found.approval, 'withdraw', 'governor', reason);
    },
    decided(approval, what, by, reason) {
      end(approval, what, by, reason);
      if (what === 'reject') rejected.set(approval.deployment, { to: approval.to, until: clock.now() + rejectedMs });
    },
    expire() {
      const at = clock.now();
      for (const { approval, until } of waiting.values()) {
        if (at >= until) end(approval, 'expire', 'governor', 'nobody has decided in time');
      }
    },
  };
}
