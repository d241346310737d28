/** Everything of Grafana as files below deploy/grafana. */
import { stringify } from 'yaml';
import { generatedNote } from '../note.ts';
import { contactPoints, ruleGroups } from './alerting.ts';
import { boards } from './boards.ts';
import { toDashboard } from './dashboard.ts';
import { dashboardProviders, dataSources } from './provisioning.ts';

const yaml = (value: object): string =>
  `# ${generatedNote}\n${stringify(value, { lineWidth: 0, aliasDuplicateObjects: false })}`;
const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;

export function grafanaFiles(): Readonly<Record<string, string>> {
  const dashboards = boards.flatMap((board) =>
    (['prometheus', 'influxdb'] as const).map((source) => {
      const dashboard = toDashboard(board, source);
      return [`deploy/grafana/dashboards/${dashboard.uid}.json`, json(dashboard)] as const;
    }),
  );
  return {
    ...Object.fromEntries(dashboards),
    'deploy/grafana/provisioning/datasources/flyball.yaml': yaml(dataSources()),
    'deploy/grafana/provisioning/dashboards/flyball.yaml': yaml(dashboardProviders()),
    'deploy/grafana/provisioning/alerting/rules.yaml': yaml(ruleGroups()),
    'deploy/grafana/provisioning/alerting/contact-points.yaml': yaml(contactPoints()),
  };
}
