/** How long a process that died waits before it is started again: at once the first time, then doubling to a cap. */
const firstMs = 100;
const capMs = 5_000;

/** `deaths`: how many times in a row, ≥ 1. Returns milliseconds: 0, 100, 200, 400 … 5000. */
export function restartDelayMs(deaths: number): number {
  return deaths <= 1 ? 0 : Math.min(capMs, firstMs * 2 ** Math.min(deaths - 2, 16));
}
