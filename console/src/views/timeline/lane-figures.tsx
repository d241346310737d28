/** What the lanes hold, in numbers: the load at its last and at its highest, and how much happened in each lane. */
import type { ComponentChildren, JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import { Figure } from '../../parts/figure.tsx';
import type { Span } from '../deployment/range.ts';
import { inLane, lanes, type LaneId } from './lanes.ts';
import type { LoadLines } from './load.ts';

interface LaneFiguresProps {
  readonly window: Span;
  readonly entries: readonly JournalEntryView[];
  readonly since: Readonly<Partial<Record<LaneId, number>>>;
  readonly lines: LoadLines | undefined;
  readonly deployment: string | undefined;
}

export function LaneFigures({ window, entries, since, lines, deployment }: LaneFiguresProps): JSX.Element {
  const load = (label: string, value: number | undefined): JSX.Element => (
    <Figure
      label={`${label}${deployment === undefined ? '' : ` of ${deployment}`}`}
      value={value}
      unit="req/s"
      why={deployment}
      whyAt={lines === undefined ? undefined : Math.floor(lines.to)}
      source="the series of the gateways"
    />
  );
  return (
    <dl class="lane-figures">
      <Item name="Load, last">{load('Last load', lines?.last)}</Item>
      <Item name="highest">{load('Highest load', lines?.highest)}</Item>
      {lanes.map(({ id, name }) => {
        const { length } = inLane(entries, id).filter(({ at }) => at >= window.from && at <= window.to);
        const isCut = (since[id] ?? 0) > window.from;
        return (
          <Item key={id} name={name}>
            <Figure label={`${name}: entries of the window`} value={length} unit="count" source="the journal" />
            {isCut && ' or more'}
          </Item>
        );
      })}
    </dl>
  );
}

function Item({ name, children }: { readonly name: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
