/** The moment that is looked at: moved by hand, or by itself from beginning to end. */
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';

interface ScrubberProps {
  readonly at: number;
  /** Moments are 0 to this. */
  readonly last: number;
  readonly onAt: (change: (before: number) => number) => void;
  /** The moment, in words. */
  readonly said: string;
}

const replayMs = 15_000;
/** Faster, nothing would be seen of it. */
const stepMsMin = 40;

export function Scrubber({ at, last, onAt, said }: ScrubberProps): JSX.Element {
  const [isPlaying, setPlaying] = useState(false);
  useEffect(() => {
    if (!isPlaying) return undefined;
    const every = Math.max(stepMsMin, replayMs / Math.max(1, last + 1));
    const timer = setInterval(() => onAt((before) => Math.min(last, before + 1)), every);
    return () => clearInterval(timer);
  }, [isPlaying, last]);
  useEffect(() => {
    if (at >= last) setPlaying(false);
  }, [at, last]);
  return (
    <div class="scrubber">
      <button
        type="button"
        class="button"
        onClick={() => {
          if (at >= last) onAt(() => 0);
          setPlaying(!isPlaying);
        }}
      >
        {isPlaying ? 'Pause' : 'Replay'}
      </button>
      <label class="scrubber-range">
        <span class="sr-only">Moment</span>
        <input
          type="range"
          min={0}
          max={last}
          value={at}
          aria-valuetext={said}
          onInput={({ currentTarget }) => {
            const to = Number(currentTarget.value);
            setPlaying(false);
            onAt(() => to);
          }}
        />
      </label>
      <output class="scrubber-time">{said}</output>
    </div>
  );
}
