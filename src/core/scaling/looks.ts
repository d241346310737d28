/** When the governor looks at a deployment: once a second, unless everything has been still for long and nobody asks. */

/** Looks are this far apart, unless a load jumps. Milliseconds. */
export const lookEveryMs = 1000;
/** With nobody asking and nothing to be done, looks are this far apart. */
const quietEveryMs = 10_000;
/** Windows of the policies and of those that look on are over by then. */
const quietAfterMs = 600_000;

/** Monotonic milliseconds; absent where it is not still, or was never looked at. */
export interface Quiet {
  readonly quietSince: number | undefined;
  readonly lookedAt: number | undefined;
}

/** Whether one that nobody asks is left alone at `at`. */
export function rests({ quietSince, lookedAt = 0 }: Quiet, at: number): boolean {
  return quietSince !== undefined && at - quietSince > quietAfterMs && at - lookedAt < quietEveryMs;
}
