/** A line beside a number, without axes: whether it rises or falls. The number says what, the Deployment view the rest. */
import type { JSX } from 'preact';
import { highest, linePath } from './path.ts';

interface SparklineProps {
  readonly values: readonly (number | null | undefined)[];
  /** For those who hear the page. */
  readonly label: string;
  /** Drawn as a dashed line: the objective. */
  readonly limit?: number | null | undefined;
  readonly step?: boolean;
  /** The top of the scale is at least this. */
  readonly floor?: number;
}

const width = 96;
const height = 22;

export function Sparkline({ values, label, limit, step = false, floor = 1 }: SparklineProps): JSX.Element {
  const high = highest(limit == null ? values : [...values, limit * 1.15], floor);
  const frame = { width, height, low: 0, high };
  return (
    <svg
      class="sparkline"
      viewBox={`0 -1 ${width} ${height + 2}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      <path class="sparkline-base" d={`M0 ${height}H${width}`} />
      {limit != null && <path class="sparkline-limit" d={linePath([limit, limit], frame)} />}
      <path class="sparkline-line" d={linePath(values, frame, step)} />
    </svg>
  );
}
