/**
 * Which alerts fire, from notifications that come at least once, in any order, and again. One alert is a fingerprint of
 * one sender; one firing of it begins at its `startsAt`.
 *
 *   (unknown) ──firing──▶ firing ──resolved──▶ resolved ──firing with a later start──▶ firing
 *
 * Laws: the same notification twice changes nothing the second time; of two about one alert, the order in which they come
 * does not matter; a firing that has been resolved does not come back.
 */

export interface Alert {
  readonly fingerprint: string;
  readonly state: 'firing' | 'resolved';
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  /** Milliseconds since 1970-01-01 UTC, by the sender's clock. */
  readonly startsAt: number;
  /** Absent while nobody knows. */
  readonly endsAt?: number | undefined;
  readonly values?: Readonly<Record<string, number>> | undefined;
}

export interface KnownAlert extends Alert {
  readonly source: string;
  /** Notifications about it, repeats too. */
  readonly notified: number;
  /** Of the last one that told its state, Unix milliseconds by our clock. */
  readonly heardAt: number;
}

/** By sender and fingerprint. */
export type AlertBook = ReadonlyMap<string, KnownAlert>;

export type Change = 'fired' | 'resolved' | 'repeated' | 'outdated';

export interface Noted {
  readonly book: AlertBook;
  readonly changes: readonly { readonly change: Change; readonly alert: KnownAlert }[];
}

export const keyOf = (source: string, { fingerprint }: Pick<Alert, 'fingerprint'>): string =>
  `${source}/${fingerprint}`;

function changeOf(known: KnownAlert | undefined, alert: Alert): Change {
  if (known === undefined || alert.startsAt > known.startsAt) return alert.state === 'firing' ? 'fired' : 'resolved';
  if (alert.startsAt < known.startsAt) return 'outdated';
  if (alert.state === known.state) return 'repeated';
  // Of one firing the end is the later word, whichever comes first.
  return alert.state === 'resolved' ? 'resolved' : 'outdated';
}

/**
 * `heardAt`: Unix milliseconds. `keptMax`: alerts that are remembered; the resolved ones that were resolved first go
 * first, then the oldest.
 */
export function noteAlerts(
  book: AlertBook,
  source: string,
  alerts: readonly Alert[],
  heardAt: number,
  keptMax = 10_000,
): Noted {
  const next = new Map(book);
  const changes = alerts.map((alert) => {
    const key = keyOf(source, alert);
    const known = next.get(key);
    const change = changeOf(known, alert);
    const notified = (known?.notified ?? 0) + 1;
    const kept: KnownAlert =
      known !== undefined && change === 'outdated' ? { ...known, notified } : { ...alert, source, notified, heardAt };
    next.set(key, kept);
    return { change, alert: kept };
  });
  if (next.size > keptMax) {
    const order = [...next].sort(
      ([, left], [, right]) =>
        Number(left.state === 'firing') - Number(right.state === 'firing') || left.startsAt - right.startsAt,
    );
    for (const [key] of order.slice(0, next.size - keptMax)) next.delete(key);
  }
  return { book: next, changes };
}
