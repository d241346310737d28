/** A state as shape, word and colour together: whoever sees no colours misses nothing. */
import type { JSX } from 'preact';

export type Tone = 'ok' | 'busy' | 'warn' | 'bad' | 'quiet';

const shapes: Readonly<Record<Tone, string>> = { ok: '●', busy: '◐', warn: '▲', bad: '■', quiet: '○' };

export function Badge({ tone, word }: { readonly tone: Tone; readonly word: string }): JSX.Element {
  return (
    <span class={`badge ${tone}`}>
      <span aria-hidden="true">{shapes[tone]}</span> {word}
    </span>
  );
}

const deploymentTones = {
  serving: 'ok',
  starting: 'busy',
  updating: 'busy',
  degraded: 'warn',
  failed: 'bad',
  asleep: 'quiet',
  idle: 'quiet',
} as const;

export const toneOf = (state: keyof typeof deploymentTones): Tone => deploymentTones[state];
