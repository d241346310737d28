/**
 * Alerts as a signal: how many of those somebody wants fire, with the age of the newest word about any of them. Of which
 * nobody has ever told is absent, and no zero: whoever sends alerts says nothing while all is well, and when it is dead.
 */
import type { Claim } from '../scaling/reconcile.ts';
import { absent, aged, type Signal } from '../scaling/signals.ts';
import type { AlertBook } from './book.ts';
import { fits, type Interest } from './interest.ts';

/** What the book says, until it changes; only its age grows. Unix milliseconds. */
export interface AlertReading {
  readonly firing: number;
  /** Undefined where nobody has told of any. */
  readonly heardAt: number | undefined;
}

export function readAlerts(interest: Interest, book: AlertBook): AlertReading {
  let firing = 0;
  let heardAt: number | undefined;
  for (const alert of book.values()) {
    if (!fits(interest, alert)) continue;
    if (alert.state === 'firing') firing += 1;
    heardAt = Math.max(heardAt ?? 0, alert.heardAt);
  }
  return { firing, heardAt };
}

/** Stale after `silentMs`, absent after twice that. */
export function toSignal({ firing, heardAt }: AlertReading, wallMs: number, silentMs: number): Signal {
  if (heardAt === undefined) return absent;
  return aged(firing, heardAt, wallMs, { staleMs: silentMs, absentMs: 2 * silentMs });
}

/** While one of these fires, nothing is taken away from what is `held`; one that is stale still holds. */
export function holdingClaims(
  names: readonly string[],
  external: Readonly<Record<string, Signal>>,
  held: number,
): readonly Claim[] {
  return names.flatMap((name) => {
    const signal = Object.hasOwn(external, name) ? external[name] : undefined;
    // An absent one is NaN, which is not above zero.
    if (signal === undefined || !(signal.value > 0)) return [];
    const age = signal.kind === 'stale' ? `, last told of ${Math.round(signal.ageMs / 60_000)} min ago` : '';
    return [{ by: `the alert ${name} (${signal.value} firing${age})`, min: held }];
  });
}
