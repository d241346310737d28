/**
 * Numbers of the OpenMetrics text format.
 *   number     = realnumber / [SIGN] ("inf" / "infinity") / "nan"          (letters of either case)
 *   realnumber = [SIGN] 1*DIGIT ["." *DIGIT] ["e" [SIGN] 1*DIGIT] / [SIGN] *DIGIT "." 1*DIGIT ["e" …]
 *   timestamp  = realnumber, seconds since 1970-01-01 UTC; kept to the nanosecond, what is finer is cut off
 */
const real = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;
const infinite = /^[+-]?inf(?:inity)?$/i;
const plain = /^([+-]?)(\d+)(?:\.(\d*))?$/;

/** Undefined for what is no number. */
export function readNumber(text: string): number | undefined {
  if (real.test(text)) return Number(text);
  if (infinite.test(text)) return text.startsWith('-') ? -Infinity : Infinity;
  return /^nan$/i.test(text) ? Number.NaN : undefined;
}

/** Nanoseconds; undefined for what is no moment. */
export function readTimestamp(text: string): bigint | undefined {
  const parts = plain.exec(text);
  if (parts !== null) {
    const [, sign, seconds = '', fraction = ''] = parts;
    const ns = BigInt(seconds) * 1_000_000_000n + BigInt(fraction.slice(0, 9).padEnd(9, '0'));
    return sign === '-' ? -ns : ns;
  }
  const seconds = real.test(text) ? Number(text) : Number.NaN;
  return Number.isFinite(seconds) ? BigInt(Math.trunc(seconds * 1e9)) : undefined;
}

/**
 * Label values of `le` and `quantile` are opaque, so one number must always be written the same way: as Go's %g with
 * `.0` after a whole number (`1.0`, `0.0001`, `1e-05`, `1e+06`, `+Inf`).
 */
export function canonicalNumber(value: number): string {
  if (value === Infinity) return '+Inf';
  if (value === -Infinity) return '-Inf';
  if (Number.isNaN(value)) return 'NaN';
  const magnitude = Math.abs(value);
  if (magnitude !== 0 && (magnitude < 1e-4 || magnitude >= 1e6)) {
    const [mantissa, exponent = '0'] = value.toExponential().split('e');
    const sign = exponent.startsWith('-') ? '-' : '+';
    return `${mantissa}e${sign}${exponent.replace(/^[+-]/, '').padStart(2, '0')}`;
  }
  return Number.isInteger(value) ? `${value}.0` : String(value);
}
