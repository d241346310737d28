/** What the governor thinks: what it would hold, within which bounds, on which signals, and how far it believes forecasts. */
import { lastOf, meanOf, one, rate, type Board, type PanelSource } from './panel.ts';

const perDeployment = (metric: string, more = ''): string => `max by (deployment) (${one(metric, more)})`;

const half = (source: Omit<PanelSource, 'kind' | 'width'> & Partial<PanelSource>): PanelSource => ({
  kind: 'timeseries',
  width: 12,
  ...source,
});

const flag = (zero: string, other: string): PanelSource['states'] => ({
  0: { text: zero, color: 'green' },
  1: { text: other, color: 'red' },
});

const timeline = (title: string, description: string, metric: string, zero: string, other: string): PanelSource => {
  const states = flag(zero, other);
  const field = metric.replace('flyball_governor_', '');
  return {
    title,
    description,
    kind: 'state-timeline',
    unit: 'short',
    width: 12,
    ...(states !== undefined && { states }),
    prometheus: [{ expr: perDeployment(metric), legend: '{{deployment}}' }],
    influx: [{ query: lastOf(field, 'flyball_governor', ['deployment']), alias: '$tag_deployment' }],
  };
};

export const governorBoard: Board = {
  uid: 'flyball-governor',
  title: 'governor',
  description: 'What it would hold and why it may not, what it foresees, and how long capacity takes to come.',
  by: ['deployment'],
  rows: [
    {
      title: 'Authority',
      panels: [
        {
          title: 'Mode',
          description:
            'Who moves targets: advise: people alone, approve: the governor once a person has agreed, auto: the governor.',
          kind: 'state-timeline',
          unit: 'short',
          width: 12,
          states: {
            0: { text: 'advise', color: 'blue' },
            1: { text: 'approve', color: 'yellow' },
            2: { text: 'auto', color: 'green' },
          },
          prometheus: [
            {
              expr: `${perDeployment('flyball_governor_mode', 'mode="approve"')} + 2 * ${perDeployment('flyball_governor_mode', 'mode="auto"')}`,
              legend: '{{deployment}}',
            },
          ],
          influx: [
            {
              query:
                'SELECT last("mode_approve") + 2 * last("mode_auto") FROM "flyball_governor" WHERE "deployment" =~ /^$deployment$/ AND $timeFilter GROUP BY time($__interval), "deployment" fill(none)',
              alias: '$tag_deployment',
            },
          ],
        },
        timeline(
          'Halt',
          'Halted: no target is changed by itself until somebody releases it.',
          'flyball_governor_halted',
          'runs',
          'halted',
        ),
        timeline(
          'Doubt',
          'In doubt nothing is lowered: flyball why names the signal.',
          'flyball_governor_in_doubt',
          'sure',
          'in doubt',
        ),
        timeline(
          'Policy',
          'Failing: its stand-in raises and never lowers.',
          'flyball_governor_policy_failing',
          'sound',
          'failing',
        ),
      ],
    },
    {
      title: 'Proposals and bounds',
      panels: [
        half({
          title: 'What it would hold, and what is held',
          description: 'They differ in advise, while a change waits for a person, and while a constraint holds.',
          unit: 'short',
          stepped: true,
          min: 0,
          prometheus: [
            { expr: perDeployment('flyball_governor_target'), legend: '{{deployment}} would hold' },
            { expr: perDeployment('flyball_replicas_desired'), legend: '{{deployment}} held' },
            { expr: perDeployment('flyball_replicas_min'), legend: '{{deployment}} at least' },
            { expr: perDeployment('flyball_replicas_max'), legend: '{{deployment}} at most' },
          ],
          influx: [
            { query: lastOf('target', 'flyball_deployment', ['deployment']), alias: '$tag_deployment would hold' },
            { query: lastOf('replicas_desired', 'flyball_deployment', ['deployment']), alias: '$tag_deployment held' },
            { query: lastOf('replicas_min', 'flyball_deployment', ['deployment']), alias: '$tag_deployment at least' },
            { query: lastOf('replicas_max', 'flyball_deployment', ['deployment']), alias: '$tag_deployment at most' },
          ],
        }),
        half({
          title: 'Age of what it sees',
          description: 'Gateways speak four times a second; older than a few seconds it is in doubt.',
          unit: 's',
          min: 0,
          thresholds: [[3, 'red']],
          prometheus: [{ expr: perDeployment('flyball_observation_age_seconds'), legend: '{{deployment}}' }],
        }),
      ],
    },
    {
      title: 'Forecast and lag',
      panels: [
        half({
          title: 'Forecast',
          description:
            'Requests a second a lag from now, by the most trusted forecaster; nothing while none is believed.',
          unit: 'reqps',
          min: 0,
          prometheus: [
            { expr: `sum by (deployment) (${rate('flyball_requests_total')})`, legend: '{{deployment}} now' },
            { expr: perDeployment('flyball_governor_forecast'), legend: '{{deployment}} foretold' },
          ],
        }),
        half({
          title: 'How far it is believed',
          description: 'Authority of the most trusted forecaster, by its record: 0 is not at all.',
          unit: 'percentunit',
          min: 0,
          max: 1,
          prometheus: [{ expr: perDeployment('flyball_governor_forecast_authority'), legend: '{{deployment}}' }],
          influx: [
            {
              query: meanOf('forecast_authority', 'flyball_governor', ['deployment']),
              alias: '$tag_deployment',
            },
          ],
        }),
        half({
          title: 'Lag: until a replica serves',
          description:
            'Mean of each stage of a start, since the platform was started. What takes longest is what to make shorter.',
          unit: 's',
          min: 0,
          prometheus: [
            {
              expr: `sum by (deployment, stage) (${one('flyball_cold_start_seconds_sum')}) / (sum by (deployment, stage) (${one('flyball_cold_start_seconds_count')}) > 0)`,
              legend: '{{deployment}} {{stage}}',
            },
          ],
        }),
      ],
    },
  ],
};
