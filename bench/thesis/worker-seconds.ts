/** What workers have cost: the integral of how many there were. Pure. */

export interface Sample {
  /** Seconds, ascending. */
  readonly at: number;
  readonly workers: number;
}

/**
 * Worker-seconds between two times: each count holds until the next is seen, the first also before it, the last also
 * after it. Throws without a sample: nothing seen is not nothing there.
 */
export function workerSeconds(samples: readonly Sample[], from: number, to: number): number {
  const [first] = samples;
  if (first === undefined) throw new Error('expected at least one sample of how many workers there are, came none');
  let sum = 0;
  for (const [index, { at, workers }] of samples.entries()) {
    const begins = index === 0 ? from : Math.max(from, at);
    const ends = Math.min(to, samples[index + 1]?.at ?? to);
    if (ends > begins) sum += workers * (ends - begins);
  }
  return sum;
}

/** The part of an engine's task that says whether it occupies a worker. */
export interface TaskSeen {
  readonly NodeID?: string;
  readonly Status?: { readonly State?: string };
}

/** From when a node has it, also while it loads, until it is over, also while it drains. */
const occupying: ReadonlySet<string> = new Set(['assigned', 'accepted', 'preparing', 'ready', 'starting', 'running']);

export function isOccupying({ NodeID, Status }: TaskSeen): boolean {
  return NodeID !== undefined && NodeID !== '' && occupying.has(Status?.State ?? '');
}
