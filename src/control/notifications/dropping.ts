/** Which sinks of telemetry lose data: whose count of what was dropped has grown within five minutes. */
import type { SinkView } from '../../api/sink-schemas.ts';
import type { Clock } from '../../clock.ts';
import type { Condition } from './conditions.ts';

const quietMs = 300_000;

const lostOf = ({ dropped }: Pick<SinkView, 'dropped'>): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0);

export function watchDropping(
  views: () => readonly Pick<SinkView, 'name' | 'dropped' | 'lastError'>[],
  clock: Pick<Clock, 'now'>,
) {
  const seen = new Map<string, { readonly lost: number; readonly grewAt: number }>();
  return async (): Promise<readonly Condition[]> => {
    const at = clock.now();
    const all = views();
    const names = new Set(all.map(({ name }) => name));
    for (const name of seen.keys()) if (!names.has(name)) seen.delete(name);
    return all.flatMap((view): Condition[] => {
      const lost = lostOf(view);
      const before = seen.get(view.name) ?? { lost: 0, grewAt: Number.NEGATIVE_INFINITY };
      // One that was opened anew counts from zero.
      const grew = lost > before.lost || (lost < before.lost && lost > 0);
      const grewAt = grew ? at : before.grewAt;
      seen.set(view.name, { lost, grewAt });
      if (at - grewAt >= quietMs) return [];
      const why = view.lastError === undefined ? '' : `: ${view.lastError}`;
      return [{ of: 'sink-dropping', subject: view.name, reason: `${lost} items are lost since it was opened${why}` }];
    });
  };
}
