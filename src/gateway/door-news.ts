/**
 * What a gateway tells of control's doors: once when one of them leads to control, once when none did in a whole round, with
 * what each said. Pure but for its memory of what was told last.
 */

export type DoorNews =
  | { readonly kind: 'reached'; readonly url: string }
  /** By door: `https://10.0.0.1:8003: connect ECONNREFUSED`. */
  | { readonly kind: 'none'; readonly why: string };

export interface DoorWatch {
  reached(door: number): void;
  missed(door: number, why: string): void;
}

export function watchDoors(urls: readonly string[], tell: (news: DoorNews) => void): DoorWatch {
  let told: 'reached' | 'none' | undefined;
  const missed = new Map<number, string>();
  return {
    reached(door) {
      missed.clear();
      if (told !== 'reached') tell({ kind: 'reached', url: urls[door] ?? '' });
      told = 'reached';
    },
    missed(door, why) {
      missed.set(door, why);
      if (missed.size < urls.length || told === 'none') return;
      told = 'none';
      tell({ kind: 'none', why: urls.map((url, index) => `${url}: ${missed.get(index)}`).join('; ') });
    },
  };
}
