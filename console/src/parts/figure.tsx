/**
 * Every number of the console. It knows its unit, its age and what it may be believed; hover or focus shows where it
 * comes from, Enter (or `w`) opens why it is so.
 */
import type { JSX } from 'preact';
import { quantity } from '../format/quantity.ts';
import { now } from '../live/store.ts';
import { zone } from '../settings.ts';
import { address } from '../router.ts';
import { cardHandlers } from './card.tsx';
import { explain, stateOf, type Reading } from './figure-state.ts';

export interface FigureProps extends Reading {
  /** What it is, for the card and for those who hear the page: `p99 latency`. */
  readonly label: string;
  /** The deployment of which Why tells; absent: there is nothing to be asked. */
  readonly why?: string | undefined;
  /** The moment of which Why tells; absent: now. */
  readonly whyAt?: number | undefined;
  /** False where its column's or row's heading has the unit. */
  readonly showUnit?: boolean;
  /** Beside others in a table, arrow keys move between figures and Tab skips them. */
  readonly inGrid?: boolean;
  /** What it is held against: over it, the figure is marked with a sign and a word. */
  readonly limit?: number | null | undefined;
  readonly class?: string;
}

export function whyAddress(deployment: string, at?: number): string {
  return address(`/why/${encodeURIComponent(deployment)}`, { at: at === undefined ? undefined : String(at) });
}

export function Figure(props: FigureProps): JSX.Element {
  const { value, unit, label, why, whyAt, other, showUnit = true, inGrid = false, limit } = props;
  const known = value == null || !Number.isFinite(value) ? undefined : quantity(value, unit);
  // Only what can grow old need be drawn again each second.
  const at = props.at === undefined ? 0 : now.value;
  const state = stateOf(props, at);
  const over = known !== undefined && limit != null && (value as number) > limit;
  const content = (
    <>
      {state === 'absent' || known === undefined ? (
        <span class="figure-absent">no data</span>
      ) : (
        <>
          {over && (
            <span class="figure-over" aria-hidden="true">
              ▲
            </span>
          )}
          <span class="figure-number">{known.number}</span>
          {state === 'contradictory' && other !== undefined && (
            <span class="figure-number"> or {quantity(other, unit).number}</span>
          )}
          {showUnit && known.unit !== '' && <span class="figure-unit"> {known.unit}</span>}
          {!showUnit && <ScaledUnit unit={known.unit} base={unit} />}
          {over && <span class="sr-only"> over its limit</span>}
          {state === 'stale' && <span class="sr-only"> (old)</span>}
        </>
      )}
    </>
  );
  const lines = (): readonly string[] => [
    ...explain(props, known?.full, now.peek(), zone.peek()),
    ...(over ? [`Over its limit of ${quantity(limit, unit).full}.`] : []),
    ...(why === undefined ? [] : ['Enter: why it is so.']),
  ];
  const shared = {
    class: `figure ${props.class ?? ''}`,
    'data-state': state,
    'data-over': over,
    tabIndex: inGrid ? -1 : 0,
    ...cardHandlers(() => ({ title: label, lines: lines() })),
  };
  return why === undefined ? (
    <span {...shared} {...(inGrid ? {} : { role: 'group', 'aria-label': label })}>
      {content}
    </span>
  ) : (
    <a {...shared} href={whyAddress(why, whyAt)} data-why={why}>
      {!inGrid && <span class="sr-only">{`${label}: `}</span>}
      {content}
    </a>
  );
}

/** The heading says `ms`, and the number is 1.2 of something larger. */
function ScaledUnit({ unit, base }: { readonly unit: string; readonly base: Reading['unit'] }): JSX.Element | null {
  const named = typeof base === 'string' ? base : base.currency;
  const expected = named === 'share' ? '%' : named;
  if (unit === '' || unit === expected) return null;
  return <span class="figure-unit"> {unit.replace(` ${expected}`, '')}</span>;
}
