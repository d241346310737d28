/** When an alert fires and when it does not, as `promtool test rules` takes it: input series, a moment, what is expected. */
import type { Alert } from './alerts.ts';

type Labels = Readonly<Record<string, string>>;
/** Series → values in promtool's notation, a sample a minute. */
export type InputSeries = Readonly<Record<string, string>>;

export interface AlertProof {
  /** That it fires with, beside those of its rule. */
  readonly labels: Labels;
  /** Since the series began. */
  readonly at: string;
  readonly fires: InputSeries;
  readonly silent: InputSeries;
}

export interface RuleTest {
  readonly name: string;
  readonly interval: '1m';
  readonly input_series: readonly { readonly series: string; readonly values: string }[];
  readonly alert_rule_test: readonly object[];
}

const filled = (text: string, labels: Labels): string =>
  text.replaceAll(/\{\{ \$labels\.(\w+) \}\}/g, (_, label: string) => labels[label] ?? '');

export const labelsOf = ({ severity, labels }: Alert): Labels => ({ severity, ...labels });

export interface Firing {
  readonly alert: Alert;
  readonly labels: Labels;
}

/** At one moment exactly these of one name. */
export function expectation(alertname: string, at: string, firing: readonly Firing[]): object {
  return {
    eval_time: at,
    alertname,
    exp_alerts: firing.map(({ alert, labels }) => {
      const all = { ...labels, ...labelsOf(alert) };
      const { summary, description } = alert;
      return {
        exp_labels: all,
        exp_annotations: { summary: filled(summary, all), description: filled(description, all) },
      };
    }),
  };
}

export function ruleTest(name: string, series: InputSeries, expectations: readonly object[]): RuleTest {
  const input = Object.entries(series).map(([each, values]) => ({ series: each, values }));
  return { name, interval: '1m', input_series: input, alert_rule_test: expectations };
}

/** All of them at once, as bad as it gets and as good as it is: one that fires for another's reason would be found. */
export function stateTests(alerts: readonly Alert[]): readonly RuleTest[] {
  const proved = alerts.flatMap((alert) => (alert.proof === undefined ? [] : [{ alert, proof: alert.proof }]));
  const all = (key: 'fires' | 'silent'): InputSeries =>
    Object.assign({}, ...proved.map(({ proof }) => proof[key])) as InputSeries;
  return [
    ruleTest(
      'each fires',
      all('fires'),
      proved.map(({ alert, proof: { at, labels } }) => expectation(alert.name, at, [{ alert, labels }])),
    ),
    ruleTest(
      'none fires',
      all('silent'),
      proved.map(({ alert, proof }) => expectation(alert.name, proof.at, [])),
    ),
  ];
}
