/** What telemetry is sent to, as control sees it: told of everything at its own pace, and asked how it fares. */
import type { JournalEntry } from '../../journal/entry.ts';
import type { Look } from '../../telemetry/influx/sink.ts';
import type { SenderView } from '../../telemetry/sinks/sender.ts';

export interface OwnView extends SenderView {
  readonly name: string;
  readonly kind: string;
  readonly leftOut: number;
}

export interface OpenSink {
  readonly settings: { readonly intervalMs: number };
  /** What was seen, and what has happened since the last time. */
  tell(look: Look, entries: readonly JournalEntry[]): Promise<void>;
  /** One for each queue that it has. */
  views(): readonly OwnView[];
  close(graceMs: number): Promise<void>;
}
