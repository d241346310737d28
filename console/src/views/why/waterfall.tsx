/** From what was held over the wish and through the bounds to the target: a picture, and the same as a list. */
import type { JSX } from 'preact';
import type { WhyView } from '../../../../src/api/schemas.ts';
import { limits, most, room, steps } from './chain.ts';

type Decision = NonNullable<WhyView['decision']>;

export function Waterfall({ decision }: { readonly decision: Decision }): JSX.Element {
  const all = steps(decision);
  const scale = most(all);
  return (
    <ol class="plain waterfall">
      {all.map(({ name, from, to, bit, reason }, index) => {
        const isEnd = index === 0 || index === all.length - 1;
        const [low, high] = isEnd ? [0, to] : [Math.min(from, to), Math.max(from, to)];
        return (
          <li key={`${index} ${name}`} data-bit={bit}>
            <span class="fall-name">{name}</span>
            <span class="fall-count">{from === to ? to : `${from} → ${to}`}</span>
            <svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class={isEnd ? 'fall-end' : to < from ? 'fall-down' : 'fall-up'}
                x={(low / scale) * 100}
                y="1"
                width={Math.max(0.5, ((high - low) / scale) * 100)}
                height="8"
              />
            </svg>
            <span class="fall-reason muted">{reason}</span>
          </li>
        );
      })}
    </ol>
  );
}

export function Bounds({ decision }: { readonly decision: Decision }): JSX.Element {
  return (
    <ul class="plain bounds">
      {limits(decision).map((limit, index) => (
        <li key={`${index} ${limit.name}`} data-bit={limit.bit}>
          <span aria-hidden="true">{limit.bit ? '●' : '○'}</span> {limit.name}: {room(limit)},{' '}
          {limit.bit ? `bit: ${limit.from} → ${limit.to}, ${limit.reason}` : <span class="muted">did not bite</span>}
        </li>
      ))}
    </ul>
  );
}
