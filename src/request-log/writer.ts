/**
 * What the request log's thread does: makes lines of records and gives them to the sink, a batch at a time, one batch
 * after the other. While the sink is slow records wait in the port, which the gateway bounds by what was confirmed.
 */
import type { Sink } from './files.ts';
import type { LogConfirmation, LogMessage } from './record.ts';
import { toLine } from './redact.ts';

/** Characters of one batch. */
const batchLengthMax = 1_048_576;

export interface LogWriter {
  take(message: LogMessage): void;
  /** When everything taken has been written or lost. */
  idle(): Promise<void>;
}

export function openLogWriter(
  sink: Sink,
  key: Uint8Array,
  confirm: (confirmation: LogConfirmation) => void,
  signal: AbortSignal,
): LogWriter {
  let waiting: LogMessage[] = [];
  let running: Promise<void> | undefined;

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      let lines = '';
      let taken = 0;
      let bytes = 0;
      let lost = 0;
      for (; taken < waiting.length && lines.length < batchLengthMax; taken++) {
        const { record, redact, bytes: counted } = waiting[taken] as LogMessage;
        bytes += counted;
        try {
          lines += toLine(record, redact, key);
        } catch {
          // Nothing of a record that cannot be redacted is written.
          lost += 1;
        }
      }
      waiting = waiting.slice(taken);
      let trouble: string | undefined;
      try {
        if (lines !== '') await sink.write(lines, signal);
      } catch (error) {
        lost = taken;
        trouble = error instanceof Error ? error.message : String(error);
      }
      confirm({ records: taken, bytes, lost, ...(trouble === undefined ? {} : { trouble }) });
    }
  }

  return {
    take(message) {
      waiting.push(message);
      running ??= drain().finally(() => {
        running = undefined;
      });
    },
    idle: async () => {
      while (running !== undefined) await running;
    },
  };
}
