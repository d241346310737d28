/** A chart's numbers as a table, the newest first. */
import type { JSX } from 'preact';
import { words } from '../format/quantity.ts';
import { clock, isoWithOffset, zoneName } from '../format/time.ts';
import { zone } from '../settings.ts';
import type { ChartModel } from './model.ts';

const rowsMax = 200;

export function ChartTable({ model: { title, at, lines, unit } }: { readonly model: ChartModel }): JSX.Element {
  const first = Math.max(0, at.length - rowsMax);
  const rows = Array.from({ length: at.length - first }, (_, index) => at.length - 1 - index);
  return (
    <div class="chart-table" tabIndex={0} role="group" aria-label={`Table: ${title}`}>
      <table>
        <caption>
          {title}
          {first > 0 && `: the newest ${rowsMax} of ${at.length} points; choose a shorter span for the others`}
        </caption>
        <thead>
          <tr>
            <th scope="col">Time, {zoneName(at.at(-1) ?? 0, zone.value)}</th>
            {lines.map(({ id, name }) => (
              <th key={id} scope="col" class="number">
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((index) => (
            <tr key={at[index]}>
              <th scope="row">
                <time dateTime={isoWithOffset(at[index] ?? 0, zone.value)}>{clock(at[index] ?? 0, zone.value)}</time>
              </th>
              {lines.map(({ id, values }) => (
                <td key={id} class="number">
                  {words(values[index], unit)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
