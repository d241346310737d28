/** Cost against misses: to the left is cheaper, down is better; the line joins those whom nobody beats in both. */
import type { JSX } from 'preact';
import { labelOf } from '../../../../src/rehearsal/report/verdict.ts';
import { digits, words } from '../../format/quantity.ts';
import type { Rehearsal } from './kinds.ts';
import { front, height, heightTicks, ticksTo } from './pareto.ts';

interface ParetoPictureProps {
  readonly report: Rehearsal['report'];
  readonly tolerated: number;
  readonly own: number | undefined;
}

const width = 420;
const tall = 260;
const left = 48;
const right = 16;
const top = 14;
const bottom = 40;

export function ParetoPicture({ report, tolerated, own }: ParetoPictureProps): JSX.Element {
  const standings = report.policies.map(({ cost, violationFraction }) => ({ cost, missed: violationFraction }));
  const ticks = ticksTo(Math.max(...standings.map(({ cost }) => cost)));
  const most = ticks.at(-1) ?? 1;
  const x = (cost: number): number => left + (cost / most) * (width - left - right);
  const y = (missed: number): number => tall - bottom - height(missed) * (tall - bottom - top);
  const best = front(standings);
  const path = best
    .map((index, place) => {
      const { cost, missed } = standings[index] ?? { cost: 0, missed: 0 };
      // In steps: between two of them there is nobody.
      return place === 0 ? `M${x(cost)} ${y(missed)}` : `H${x(cost)}V${y(missed)}`;
    })
    .join('');
  const names = best.map((index) => report.policies[index]).flatMap((row) => (row === undefined ? [] : [labelOf(row)]));
  const label = `Cost against share missed. Beaten by nobody in both: ${names.join(', ')}.`;
  return (
    <figure class="pareto">
      <figcaption>Cost × missed</figcaption>
      <svg viewBox={`0 0 ${width} ${tall}`} role="img" aria-label={label}>
        {heightTicks.map(([missed, text]) => (
          <g key={text}>
            <path class="pareto-grid" d={`M${left} ${y(missed)}H${width - right}`} />
            <text x={left - 6} y={y(missed) + 4} text-anchor="end">
              {text}
            </text>
          </g>
        ))}
        {ticks.map((cost) => (
          <text key={cost} x={x(cost)} y={tall - bottom + 16} text-anchor="middle">
            {digits(cost)}
          </text>
        ))}
        <text x={(left + width - right) / 2} y={tall - 6} text-anchor="middle">
          cost
        </text>
        <path class="pareto-limit" d={`M${left} ${y(tolerated)}H${width - right}`} />
        <text class="pareto-limit-text" x={width - right} y={y(tolerated) - 4} text-anchor="end">
          may be missed: {words(tolerated, 'share')}
        </text>
        <path class="pareto-front" d={path} />
        {standings.map(({ cost, missed }, index) => (
          <g
            key={index}
            class={`pareto-point ${missed <= tolerated ? 'kept' : 'broken'}${index === own ? ' own' : ''}`}
          >
            {missed <= tolerated ? (
              <circle cx={x(cost)} cy={y(missed)} r={index === own ? 8 : 7} />
            ) : (
              <rect x={x(cost) - 7} y={y(missed) - 7} width={14} height={14} />
            )}
            <text x={x(cost)} y={y(missed) + 4} text-anchor="middle">
              {index + 1}
            </text>
          </g>
        ))}
      </svg>
      <ol class="pareto-legend">
        {report.policies.map((row, index) => (
          <li key={index}>
            {labelOf(row)}
            {best.includes(index) && <span class="muted"> · beaten by nobody</span>}
          </li>
        ))}
      </ol>
      <p class="legend">
        <span>● promise kept</span> <span>■ broken</span>
      </p>
    </figure>
  );
}
