/** Where a request's time went, one stage after the other. Pure. */

export type StageName = 'read' | 'queue' | 'way' | 'wait' | 'input' | 'compute' | 'rest';

export interface Stage {
  readonly name: StageName;
  readonly ms: number;
}

export interface Times {
  readonly totalMs: number;
  readonly readMs?: number | null | undefined;
  readonly queueMs: number;
  readonly callMs?: number | null | undefined;
  readonly waitMs?: number | null | undefined;
  readonly inputMs?: number | null | undefined;
  readonly computeMs?: number | null | undefined;
}

export const stageWords: Readonly<Record<StageName, string>> = {
  read: 'read and parsed',
  queue: 'in the queue',
  wait: 'behind other calls in the replica',
  input: 'decoding and preprocessing',
  compute: 'computing',
  way: 'at the replica besides, and on the way there and back',
  rest: 'the rest, at the gateway',
};

/**
 * Stages whose sum is the total, as far as its parts do not measure more than the whole: what a part measured beyond it
 * (clocks are read in two processes) is cut off, from the last stage on. A stage that took no time is left out.
 */
export function stagesOf({ totalMs, readMs, queueMs, callMs, waitMs, inputMs, computeMs }: Times): Stage[] {
  const inside = (waitMs ?? 0) + (inputMs ?? 0) + (computeMs ?? 0);
  const wanted: readonly Stage[] = [
    { name: 'read', ms: readMs ?? 0 },
    { name: 'queue', ms: queueMs },
    { name: 'wait', ms: waitMs ?? 0 },
    { name: 'input', ms: inputMs ?? 0 },
    { name: 'compute', ms: computeMs ?? 0 },
    { name: 'way', ms: Math.max(0, (callMs ?? 0) - inside) },
  ];
  let left = Math.max(0, totalMs);
  const stages = wanted.map(({ name, ms }) => {
    const taken = Math.min(left, Math.max(0, ms));
    left -= taken;
    return { name, ms: taken };
  });
  return [...stages, { name: 'rest' as const, ms: left }].filter(({ ms }) => ms > 0);
}
