/**
 * When a fleet gives back what it no longer wants. To lower is to order again soon if the load only breathed, so the
 * surplus is held until it has cost as much as that: the share of the fleet that is too much, summed over time, has to
 * reach the price of turning. A tenth too much is held ten times as long as all of it. This is the rule of who rents
 * skis and does not know for how long (Karlin et al. 1988): at most twice as dear as knowing.
 */

/**
 * Seconds of the whole fleet, from the lag in seconds: most of a lag where that is short. Up to a second the hold of 20 s
 * is many lags already; a slow tier's holds are as long as its lag, so beyond 10 s the price falls again. Either would be
 * paid twice.
 */
export function turningPrice(lag: number): number {
  return lag <= 1 ? 0 : Math.min(0.8 * lag, 80 / lag);
}

/** What the surplus of a step adds: seconds of the whole fleet. */
export function surplusOf(target: number, wish: number, seconds: number): number {
  return wish < target ? (1 - wish / target) * seconds : 0;
}
