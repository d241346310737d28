/** The stages of a request as one bar, each named with its time under it. */
import type { JSX } from 'preact';
import { words } from '../../../format/quantity.ts';
import { stageWords, type Stage } from './stages.ts';
import './requests.css';

export function StageBar({
  stages,
  totalMs,
}: {
  readonly stages: readonly Stage[];
  readonly totalMs: number;
}): JSX.Element {
  let from = 0;
  const total = Math.max(totalMs, Number.MIN_VALUE);
  return (
    <div class="stages">
      <svg class="stage-bar" viewBox="0 0 1000 14" preserveAspectRatio="none" aria-hidden="true">
        {stages.map(({ name, ms }) => {
          const x = (from / total) * 1000;
          from += ms;
          return <rect key={name} class={`stage ${name}`} x={x} width={(ms / total) * 1000} height="14" />;
        })}
      </svg>
      <ul class="plain stage-names">
        {stages.map(({ name, ms }) => (
          <li key={name}>
            <svg class="stage-key" viewBox="0 0 10 10" aria-hidden="true">
              <rect class={`stage ${name}`} width="10" height="10" />
            </svg>{' '}
            <b>{words(ms, 'ms')}</b> {stageWords[name]}
          </li>
        ))}
      </ul>
    </div>
  );
}
