/** What every forecaster says, with its record, as people and the journal read it: plain JSON, null where nothing is known. */
import { mostTrusted, outlookSettings, recentSteps, stepSeconds, trustIn, type Outlook } from './outlook.ts';
import { quantileForecast, skillOf, trusted, type ForecastRecord } from './record.ts';

export interface ForecasterView {
  readonly name: string;
  /** Requests a second; null where it cannot tell yet, or has not answered. */
  readonly perSecond: number | null;
  /** What its errors of late leave below and above with one in ten each; null with too few of them. */
  readonly low: number | null;
  readonly high: number | null;
  /** 1 is perfect, 0 as good as "it stays as it is"; null before anything could be compared. */
  readonly skill: number | null;
  /** How far it is believed, 0 to 1. */
  readonly authority: number;
  /** Forecasts whose moment has come, since its record began. */
  readonly scored: number;
  /** How often a change of its errors has taken its authority away. */
  readonly lost: number;
  /** Why it is believed no further. */
  readonly why: string;
}

export interface HorizonView {
  readonly seconds: number;
  /** What is reckoned with: the most trusted forecast, as far as it is believed, and what is there now for the rest. */
  readonly perSecond: number | null;
  readonly by: string | null;
  readonly authority: number;
  readonly forecasters: readonly ForecasterView[];
}

export interface OutlookView {
  readonly stepSeconds: number;
  /** Requests a second of the last step. */
  readonly now: number | null;
  /** The first is that of the lag, which the policy is told of. */
  readonly horizons: readonly HorizonView[];
}

const known = (value: number): number | null => (Number.isFinite(value) ? value : null);
const percent = (share: number): string => `${Math.round(100 * share)} %`;

function whyOf(record: ForecastRecord, said: number, authority: number): string {
  const { weight, horizon, changes } = record;
  const { evidence, doubts } = outlookSettings;
  const skill = skillOf(record);
  if (Number.isNaN(said)) return weight === 0 ? 'it cannot tell yet' : 'it says nothing now';
  const independent = Math.floor(weight / horizon);
  if (independent < evidence) {
    const since = changes > 0 ? ' since its errors changed' : '';
    return `${independent} of ${evidence} independent comparisons${since}`;
  }
  if (!(skill > 0)) return 'no better than "it stays as it is"';
  return authority === 0
    ? `${percent(skill)} better than "it stays as it is", which may be chance`
    : `${percent(skill)} better than "it stays as it is", less ${doubts} standard errors`;
}

export function tellOutlook(outlook: Outlook): OutlookView {
  const { state, forecasters } = outlook;
  const last = recentSteps(outlook).at(-1) ?? Number.NaN;
  const horizons = state.horizons.map((steps, at): HorizonView => {
    const best = mostTrusted(outlook, at);
    const authority = best < 0 ? 0 : trustIn(outlook, best, at);
    const views = forecasters.map(({ name }, index): ForecasterView => {
      const record = state.records[index]?.[at] as ForecastRecord;
      const said = state.said[index]?.[at] as number;
      const trust = trustIn(outlook, index, at);
      return {
        name,
        perSecond: known(said),
        low: known(Math.max(0, quantileForecast(record, said, 0.1))),
        high: known(quantileForecast(record, said, 0.9)),
        skill: known(skillOf(record)),
        authority: trust,
        scored: record.scored,
        lost: record.changes,
        why: whyOf(record, said, trust),
      };
    });
    return {
      seconds: steps * stepSeconds,
      perSecond: known(best < 0 ? last : trusted(last, state.said[best]?.[at] as number, authority)),
      by: forecasters[best]?.name ?? null,
      authority,
      forecasters: views,
    };
  });
  return { stepSeconds, now: known(last), horizons };
}
