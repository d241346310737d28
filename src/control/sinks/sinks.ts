/**
 * The sinks of the applied specification: opened, told of all metrics and of new journal entries at their own pace, and
 * closed when they are no longer there or have other settings. They run here, beside the decisions, and never in a
 * gateway: no request can wait for one. A look that takes long is one, not many.
 */
import { isDeepStrictEqual } from 'node:util';
import type { SinkView } from '../../api/sink-schemas.ts';
import type { Clock } from '../../clock.ts';
import type { InfluxSettings, TelemetrySettings } from '../../config/telemetry-specification.ts';
import type { JournalEntry } from '../../journal/entry.ts';
import type { Rng } from '../../rng.ts';
import type { Store } from '../../store/store.ts';
import { openInfluxSink } from '../../telemetry/influx/sink.ts';
import { publish } from '../../telemetry/events.ts';
import type { FamiliesOf } from '../../telemetry/metrics.ts';
import { mergeFamilies } from '../../telemetry/registry.ts';
import { readSecret } from '../alerts/secrets.ts';
import type { OpenSink, OwnView } from './open-sink.ts';
import { openOtlpSink, type OtlpSources } from './otlp-sink.ts';

export interface Sinks extends AsyncDisposable {
  start(): void;
  views(): readonly SinkView[];
  /** As the status has them: absent where there are none. */
  status(): { readonly sinks?: SinkView[] };
  /** What an operator should know: a sink that takes nothing, and what was lost of late. */
  warnings(): readonly string[];
  /** Tells them once more and closes them, for the end of the platform, which is due in `leftMs`. */
  finish(leftMs: number): Promise<void>;
}

export interface SinksParts {
  readonly settings: () => TelemetrySettings | undefined;
  /** What all processes have counted; empty when they cannot be asked. */
  readonly families: () => Promise<readonly FamiliesOf[]>;
  readonly store: Pick<Store, 'journal' | 'journalHead'>;
  readonly clock: Clock;
  readonly rng: Rng;
  /** What besides metrics and entries goes to OpenTelemetry; without it nothing does. */
  readonly otlp?: OtlpSources | undefined;
}

const tickMs = 250;
/** Entries in one look; there is another soon. */
const entriesMax = 1000;
/** For one that is closed while the platform goes on, to send what waits. */
const graceMs = 5000;
/** At the end of the platform. */
const lastGraceMs = 2000;
/** A loss is news for so long. */
const newsMs = 3_600_000;

interface Opened {
  readonly sink: OpenSink;
  toldAt: number;
  /** The last entry of the journal that it was told of; undefined before its first look. */
  entry: number | undefined;
  /** By the names of its views: what was lost, and when last. */
  readonly dropped: Map<string, number>;
  readonly lastDropAt: Map<string, number>;
}

/** No sink can have this name. */
const otlpKey = 'telemetry.otlp';

export function openSinks({ settings, families, store, clock, rng, otlp }: SinksParts): Sinks {
  const opened = new Map<string, Opened>();
  const closing = new Set<Promise<void>>();
  let looking: Promise<void> | undefined;
  let cancel = (): void => {};
  let isStopped = false;
  let trouble: string | undefined;

  function close({ sink }: Opened, grace: number): void {
    const closed = sink.close(grace).finally(() => closing.delete(closed));
    closing.add(closed);
  }

  /** As the specification has them now, each by a name of its own. */
  function settle(): void {
    const { influx = [], otlp: collector } = settings() ?? {};
    const wanted = new Map<string, readonly [OpenSink['settings'], () => OpenSink]>();
    for (const own of influx) wanted.set(own.name, [own, () => influxSink(own)]);
    if (collector !== undefined && otlp !== undefined)
      wanted.set(otlpKey, [collector, () => openOtlpSink(collector, { ...otlp, readSecret, clock, rng })]);
    for (const [name, one] of opened) {
      if (isDeepStrictEqual(wanted.get(name)?.[0], one.sink.settings)) continue;
      opened.delete(name);
      close(one, graceMs);
    }
    for (const [name, [, make]] of wanted) {
      if (opened.has(name)) continue;
      const sink = make();
      opened.set(name, { sink, toldAt: -Infinity, entry: undefined, dropped: new Map(), lastDropAt: new Map() });
    }
  }

  function influxSink(own: InfluxSettings): OpenSink {
    const sink = openInfluxSink(own, { readSecret, clock, rng });
    const { name, kind } = own;
    return {
      settings: own,
      tell: (look, entries) => sink.tell(look, entries),
      views: () => [{ name, kind, ...sink.view() }],
      close: (grace) => sink.close(grace),
    };
  }

  async function entriesSince(one: Opened): Promise<readonly JournalEntry[]> {
    if (one.entry === undefined) {
      // What was before is told by the journal, not by a sink that is new.
      one.entry = (await store.journalHead()).id;
      return [];
    }
    const entries = await store.journal({ after: one.entry, limit: entriesMax });
    one.entry = entries.at(-1)?.id ?? one.entry;
    return entries;
  }

  async function tell(due: readonly Opened[]): Promise<void> {
    try {
      const parts = await families();
      const look = { parts, families: mergeFamilies(parts.map((part) => part.families)), wall: clock.wall() };
      for (const one of due) await one.sink.tell(look, await entriesSince(one));
      trouble = undefined;
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      // Said when it begins, and not each time.
      if (trouble === undefined) publish('flyball:fault', { where: 'telling sinks of metrics', message, error });
      trouble = message;
    }
  }

  function noteLosses(): void {
    for (const { sink, dropped, lastDropAt } of opened.values()) {
      for (const view of sink.views()) {
        const lost = lostOf(view.dropped);
        if (lost > (dropped.get(view.name) ?? 0)) lastDropAt.set(view.name, clock.wall());
        dropped.set(view.name, lost);
      }
    }
  }

  function tick(): void {
    settle();
    noteLosses();
    if (looking !== undefined) return;
    const at = clock.now();
    const due = [...opened.values()].filter(({ sink, toldAt }) => at - toldAt >= sink.settings.intervalMs);
    if (due.length === 0) return;
    for (const one of due) one.toldAt = at;
    looking = tell(due).finally(() => {
      looking = undefined;
    });
  }

  const views = (): SinkView[] => [...opened.values()].flatMap(viewsOf);

  async function stop(grace: number): Promise<void> {
    isStopped = true;
    cancel();
    await looking;
    for (const one of opened.values()) close(one, grace);
    await Promise.all(closing);
  }

  return {
    start() {
      const next = (): void => {
        tick();
        cancel = clock.after(tickMs, next);
      };
      next();
    },
    views,
    status() {
      const found = views();
      return found.length === 0 ? {} : { sinks: found };
    },
    warnings: () => [
      ...views().flatMap((view) => warningOf(view, clock.wall())),
      ...(trouble === undefined ? [] : [`sinks are told nothing: ${trouble}`]),
    ],
    async finish(leftMs) {
      if (isStopped) return;
      cancel();
      await looking;
      // The end of the replicas is the last that there is to tell.
      if (leftMs > 0) await tell([...opened.values()]);
      await stop(Math.max(0, Math.min(lastGraceMs, leftMs)));
    },
    [Symbol.asyncDispose]: () => stop(0),
  };
}

function viewsOf({ sink, lastDropAt }: Opened): SinkView[] {
  return sink.views().map((view) => viewOf(view, lastDropAt.get(view.name)));
}

function viewOf(own: OwnView, lastDropAt: number | undefined): SinkView {
  const { offered: _, failures: __, ...view } = own;
  return { ...view, ...(lastDropAt !== undefined && { lastDropAt }) };
}

const lostOf = (dropped: SinkView['dropped']): number => Object.values(dropped).reduce((sum, count) => sum + count, 0);

function warningOf(view: SinkView, at: number): string[] {
  const { name, kind, state, waiting, dropped, lastError, lastDropAt } = view;
  const isNews = lastDropAt !== undefined && at - lastDropAt < newsMs;
  const losses = Object.entries(dropped).flatMap(([reason, count]) =>
    count === 0 ? [] : [`${count} ${reason.replace('_', ' ')}`],
  );
  const lost = losses.length === 0 ? 'nothing is lost yet' : `lost: ${losses.join(', ')}`;
  if (state === 'failing') return [`sink ${name} (${kind}) takes nothing: ${lastError}; ${waiting} wait, ${lost}`];
  return isNews ? [`sink ${name} (${kind}) has lost some of what it was sent: ${losses.join(', ')}`] : [];
}
