/** The lanes as a table: the window in equal parts, the newest first. */
import type { JSX } from 'preact';
import type { JournalEntryView } from '../../../../src/api/schemas.ts';
import type { SeriesView } from '../../../../src/api/series-schemas.ts';
import { words } from '../../format/quantity.ts';
import { clock, isoWithOffset, zoneName } from '../../format/time.ts';
import { zone } from '../../settings.ts';
import type { Span } from '../deployment/range.ts';
import { bins, lanes } from './lanes.ts';
import { loadLines, meanBetween } from './load.ts';

const parts = 24;

interface LaneTableProps {
  readonly window: Span;
  readonly entries: readonly JournalEntryView[];
  readonly series: SeriesView | undefined;
  readonly deployment: string | undefined;
}

export function LaneTable({ window, entries, series, deployment }: LaneTableProps): JSX.Element {
  const lines = series === undefined ? undefined : loadLines(series);
  return (
    <div class="chart-table" tabIndex={0} role="group" aria-label="Table: what happened">
      <table>
        <caption>What happened, in {parts} equal parts of the window</caption>
        <thead>
          <tr>
            <th scope="col">From, {zoneName(window.to, zone.value)}</th>
            <th scope="col" class="number">
              Load{deployment === undefined ? '' : ` of ${deployment}`}
            </th>
            {lanes.map(({ id, name }) => (
              <th key={id} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {bins(entries, window, parts).map(({ from, to, counts }, index) => (
            <tr key={index}>
              <th scope="row">
                <time dateTime={isoWithOffset(Math.round(from), zone.value)}>{clock(from, zone.value)}</time>
              </th>
              <td class="number">
                {series === undefined || lines === undefined
                  ? '–'
                  : words(meanBetween(series, lines.load, from, to), 'req/s')}
              </td>
              {lanes.map(({ id }) => (
                <td key={id} class="number">
                  {counts[id]}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
