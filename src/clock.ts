/** Time as an argument: the composition root passes {@link systemClock}, tests pass a virtual one. */
export interface Clock {
  /** Monotonic milliseconds, for durations and deadlines; never goes back. */
  now(): number;
  /** Unix milliseconds, for what people read and the store keeps; may jump. */
  wall(): number;
  /** Calls back once after `ms` unless cancelled; returns the cancel. */
  after(ms: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
};
