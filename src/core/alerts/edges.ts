/**
 * When a playbook is to act. Its alerts are one condition: it begins with the first of them that fires and ends with the
 * last that is resolved, however they are grouped, repeated or ordered.
 *
 *   quiet ──one of its alerts fires──▶ firing (acts once) ──the last is resolved──▶ quiet (acts once)
 *
 * Laws: what changes nothing in the book is no edge, so that a repeat or a replay never acts; one notification is at most
 * one edge of a playbook, however many alerts it brings; there is no end without a beginning.
 */
import { keyOf, type AlertBook, type KnownAlert, type Noted } from './book.ts';
import { fits, isFiring, type Interest } from './interest.ts';

export interface Edge {
  readonly playbook: string;
  readonly on: 'firing' | 'resolved';
  /** Those whose change it was. */
  readonly alerts: readonly KnownAlert[];
}

/** `before`: the book that `noted` was made of. */
export function edgesOf(
  playbooks: Readonly<Record<string, Interest>>,
  before: AlertBook,
  noted: Noted,
  wallMs: number,
  silentMs: number,
): readonly Edge[] {
  const fired = noted.changes.filter(({ change }) => change === 'fired').map(({ alert }) => alert);
  const resolved = noted.changes.filter(({ change }) => change === 'resolved').map(({ alert }) => alert);
  if (fired.length === 0 && resolved.length === 0) return [];
  const renewed = new Set(fired.map((alert) => keyOf(alert.source, alert)));
  return Object.entries(playbooks).flatMap(([playbook, interest]): readonly Edge[] => {
    const firing = (book: AlertBook): readonly KnownAlert[] =>
      [...book.values()].filter((alert) => fits(interest, alert) && isFiring(alert, wallMs, silentMs));
    const beginning = fired.filter((alert) => fits(interest, alert));
    const ending = resolved.filter((alert) => fits(interest, alert));
    if (beginning.length === 0 && ending.length === 0) return [];
    const after = firing(noted.book);
    // One that fires anew, its end never told, begins again.
    const going = firing(before).filter((alert) => !renewed.has(keyOf(alert.source, alert)));
    if (beginning.length > 0 && after.length > 0) {
      return going.length > 0 ? [] : [{ playbook, on: 'firing', alerts: beginning }];
    }
    if (ending.length === 0 || after.length > 0 || firing(before).length === 0) return [];
    return [{ playbook, on: 'resolved', alerts: ending }];
  });
}

/** When each playbook last began, Unix milliseconds; `waits`: it was to begin again, and it was too soon. */
export type Reactions = Readonly<Record<string, { readonly at: number; readonly waits: boolean }>>;

export interface Reacted {
  readonly reactions: Reactions;
  readonly act: readonly Edge[];
  /** Why those do nothing now, in words. */
  readonly held: readonly { readonly edge: Edge; readonly why: string }[];
}

/** Milliseconds until it may begin again. A wall clock that went back ends the wait: nobody knows how long it would be. */
function coolsMs(last: Reactions[string] | undefined, cooldownMs: number, wallMs: number): number {
  const sinceMs = last === undefined ? Number.POSITIVE_INFINITY : wallMs - last.at;
  return sinceMs < 0 ? 0 : Math.max(0, cooldownMs - sinceMs);
}

/** A playbook begins no more often than once in its cooldown; an end whose beginning did nothing does nothing. */
export function react(
  before: Reactions,
  edges: readonly Edge[],
  cooldownMs: (playbook: string) => number,
  wallMs: number,
): Reacted {
  const reactions: Record<string, Reactions[string]> = { ...before };
  const act: Edge[] = [];
  const held: { edge: Edge; why: string }[] = [];
  for (const edge of edges) {
    const last = reactions[edge.playbook];
    if (edge.on === 'resolved') {
      if (last?.waits !== true) act.push(edge);
      else {
        held.push({ edge, why: 'it had not begun' });
        reactions[edge.playbook] = { at: last.at, waits: false };
      }
      continue;
    }
    const leftMs = coolsMs(last, cooldownMs(edge.playbook), wallMs);
    if (last !== undefined && leftMs > 0) {
      held.push({
        edge,
        why: `it began a moment ago; if this still fires in ${Math.ceil(leftMs / 1000)} s, it begins again`,
      });
      reactions[edge.playbook] = { at: last.at, waits: true };
    } else {
      act.push(edge);
      reactions[edge.playbook] = { at: wallMs, waits: false };
    }
  }
  return { reactions, act, held };
}

/** Those that waited, may begin now, and whose alerts still fire; and when to ask again, in milliseconds. */
export function dueEdges(
  reactions: Reactions,
  playbooks: Readonly<Record<string, Interest>>,
  book: AlertBook,
  cooldownMs: (playbook: string) => number,
  wallMs: number,
  silentMs: number,
): { readonly edges: readonly Edge[]; readonly againMs: number | undefined } {
  const edges: Edge[] = [];
  let againMs: number | undefined;
  for (const [playbook, interest] of Object.entries(playbooks)) {
    const last = reactions[playbook];
    if (last?.waits !== true) continue;
    const leftMs = coolsMs(last, cooldownMs(playbook), wallMs);
    if (leftMs > 0) {
      againMs = Math.min(againMs ?? leftMs, leftMs);
      continue;
    }
    const alerts = [...book.values()].filter((alert) => fits(interest, alert) && isFiring(alert, wallMs, silentMs));
    if (alerts.length > 0) edges.push({ playbook, on: 'firing', alerts });
  }
  return { edges, againMs };
}
