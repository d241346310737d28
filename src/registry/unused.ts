/**
 * Which artefacts nobody uses: uploaded for a version that was never made of them. An upload and the version that it is
 * for are two calls, perhaps far apart, so that what is unused is given a grace first; whoever asks for an artefact
 * begins it anew. No I/O; times are monotonic milliseconds, so that a wall clock that jumps takes nobody's upload.
 * Invariant: nothing is due that was named, put or asked for within the grace.
 */
export interface UnusedArtefacts {
  /** Somebody has just put it, or asked whether it is there. */
  touch(digest: string, at: number): void;
  /** Looks at what there is and what is named by versions; what has been unused for the whole grace is due. */
  due(there: readonly string[], named: ReadonlySet<string>, at: number): readonly string[];
}

export function trackUnused(graceMs: number): UnusedArtefacts {
  let since = new Map<string, number>();
  return {
    touch: (digest, at) => void since.set(digest, at),
    due(there, named, at) {
      const unused = there.filter((digest) => !named.has(digest));
      // Whatever has gone or is used now is forgotten: the map holds no more than the folder does.
      since = new Map(unused.map((digest) => [digest, since.get(digest) ?? at]));
      return unused.filter((digest) => at - (since.get(digest) ?? at) >= graceMs);
    },
  };
}
