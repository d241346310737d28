/**
 * Whether one forecast was better than another by more than chance: F. X. Diebold and R. S. Mariano 1995, corrected for
 * few samples by D. Harvey, S. Leybourne and P. Newbold 1997, against Student's t with n-1 degrees of freedom.
 */

/** Logarithm of the gamma function (C. Lanczos 1964, g = 7, nine terms: about fifteen digits). */
function logGamma(x: number): number {
  const coefficients = [
    0.999_999_999_999_809_9, 676.520_368_121_885_1, -1259.139_216_722_402_8, 771.323_428_777_653_1,
    -176.615_029_162_140_6, 12.507_343_278_686_905, -0.138_571_095_265_720_12, 9.984_369_578_019_572e-6,
    1.505_632_735_149_311_6e-7,
  ];
  const shifted = x - 1;
  const base = shifted + 7.5;
  const series = coefficients.reduce((sum, term, index) => (index === 0 ? term : sum + term / (shifted + index)), 0);
  return 0.5 * Math.log(2 * Math.PI) + (shifted + 0.5) * Math.log(base) - base + Math.log(series);
}

/** The regularised incomplete beta function I_x(a, b) by its continued fraction (W. J. Lentz 1976). */
function incompleteBeta(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly only on this side of the mean; the other side is its complement.
  if (x > (a + 1) / (a + b + 2)) return 1 - incompleteBeta(1 - x, b, a);
  const tiny = 1e-300;
  const away = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / away(1 - ((a + b) * x) / (a + 1));
  let fraction = d;
  for (let step = 1; step <= 1000; step += 1) {
    const even = (step * (b - step) * x) / ((a + 2 * step - 1) * (a + 2 * step));
    d = 1 / away(1 + even * d);
    c = away(1 + even / c);
    fraction *= d * c;
    const odd = (-(a + step) * (a + b + step) * x) / ((a + 2 * step) * (a + 2 * step + 1));
    d = 1 / away(1 + odd * d);
    c = away(1 + odd / c);
    fraction *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  const front = logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x);
  return (Math.exp(front) * fraction) / a;
}

/** The probability that Student's t of so many degrees of freedom is further from zero than `t`. */
export function studentTwoSided(t: number, degrees: number): number {
  return incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5);
}

export interface Comparison {
  /** Below zero: the first was better. */
  readonly dm: number;
  readonly hln: number;
  readonly pValueTwoSidedT: number;
}

/** `losses`: of the first forecast less those of the second, at the same moments; `horizon` in steps. */
export function dieboldMariano(losses: readonly number[], horizon: number): Comparison {
  const n = losses.length;
  const mean = losses.reduce((sum, loss) => sum + loss, 0) / n;
  // Forecasts of h steps overlap: their errors are correlated over h-1 steps.
  let variance = 0;
  for (let lag = 0; lag < horizon; lag += 1) {
    let covariance = 0;
    for (let at = lag; at < n; at += 1)
      covariance += ((losses[at] as number) - mean) * ((losses[at - lag] as number) - mean);
    variance += ((lag === 0 ? 1 : 2) * covariance) / n;
  }
  const dm = mean / Math.sqrt(variance / n);
  const hln = dm * Math.sqrt((n + 1 - 2 * horizon + (horizon * (horizon - 1)) / n) / n);
  return { dm, hln, pValueTwoSidedT: studentTwoSided(hln, n - 1) };
}
