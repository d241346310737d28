/**
 * Steps as they go, on stderr: one line each when it ends, with its time; a line before that when it takes longer than
 * a second. Nothing is redrawn, so a log holds the same as a screen.
 */
import type { OperationStep } from '../api/schemas.ts';
import { styleOf, type Terminal } from './terminal.ts';
import { seconds } from '../units.ts';

export interface Progress {
  note(text: string): void;
  /** `drop`: without a word, when an error follows that says more. */
  begin(text: string): { end(state: 'ok' | 'failed', text?: string): void; drop(): void };
  /** A step of an operation that has ended. */
  step(step: OperationStep): void;
  /** One that has been running for longer than a second. */
  running(text: string): void;
}

const slowMs = 1000;
const timeColumn = 76;

export function progressOn(terminal: Terminal): Progress {
  const style = styleOf(terminal.stderr, terminal.env);
  const line = (state: 'ok' | 'failed', text: string, ms: number | undefined): void => {
    const mark = state === 'ok' ? style.green(' ok ') : style.red('FAIL');
    const time = ms === undefined ? '' : `  ${seconds(ms)}`;
    terminal.stderr.write(`${mark} ${time === '' ? text : text.padEnd(timeColumn)}${time}\n`);
  };
  const running = (text: string): void => terminal.stderr.write(` ..  ${text}\n`);
  return {
    note: (text) => terminal.stderr.write(`     ${text}\n`),
    running,
    step: (step) => line(step.state === 'failed' ? 'failed' : 'ok', step.text, step.durationMs),
    begin(text) {
      const startedAt = performance.now();
      const timer = setTimeout(() => running(text), slowMs);
      timer.unref();
      return {
        end(state, endText = text) {
          clearTimeout(timer);
          line(state, endText, performance.now() - startedAt);
        },
        drop: () => clearTimeout(timer),
      };
    },
  };
}
