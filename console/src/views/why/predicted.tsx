/** What each forecaster said, how far it is believed, and the record for it: none is believed without one. */
import type { JSX } from 'preact';
import type { WhyView } from '../../../../src/api/schemas.ts';
import { words } from '../../format/quantity.ts';
import { Figure } from '../../parts/figure.tsx';

type Forecasts = NonNullable<WhyView['forecasts']>;

const range = (low: number | null, high: number | null): string =>
  low === null || high === null ? 'no data' : `${words(low, 'req/s')} to ${words(high, 'req/s')}`;

export function Predicted({ forecasts }: { readonly forecasts: Forecasts }): JSX.Element {
  const [first] = forecasts.horizons;
  return (
    <>
      <ul class="plain horizons">
        {forecasts.horizons.map(({ seconds, perSecond, by, authority }) => (
          <li key={seconds}>
            <strong>in {words(seconds * 1000, 'ms')}</strong> {words(perSecond, 'req/s')}{' '}
            <span class="muted">
              {by === null
                ? 'as it is now: no forecaster has earned more'
                : `by ${by}, believed to ${words(authority, 'share')}`}
            </span>
          </li>
        ))}
      </ul>
      {first !== undefined && (
        <table class="plain-table">
          <caption class="caption">
            In {words(first.seconds * 1000, 'ms')}: the lag, of which the policy is told
          </caption>
          <thead>
            <tr>
              <th scope="col">Forecaster</th>
              <th scope="col" class="number">
                Says
              </th>
              <th scope="col">Eight of ten between</th>
              <th scope="col" class="number">
                Skill
              </th>
              <th scope="col" class="number">
                Believed
              </th>
              <th scope="col">Record</th>
            </tr>
          </thead>
          <tbody>
            {first.forecasters.map(({ name, perSecond, low, high, skill, authority, scored, why }) => (
              <tr key={name}>
                <th scope="row">{name}</th>
                <td class="number" data-label="Says">
                  <Figure value={perSecond} unit="req/s" label={`${name}: says`} source="the forecaster" />
                </td>
                <td data-label="Between" class="muted">
                  {range(low, high)}
                </td>
                <td class="number" data-label="Skill">
                  <Figure
                    value={skill}
                    unit="count"
                    label={`${name}: skill, 1 is perfect, 0 as good as no change`}
                    source="its record"
                  />
                </td>
                <td class="number" data-label="Believed">
                  <Figure value={authority} unit="share" label={`${name}: believed to`} source="its record" />
                </td>
                <td data-label="Record" class="muted">
                  {why} ({scored} scored)
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </>
  );
}
