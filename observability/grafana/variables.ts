/** What a board asks its reader for, each by what was chosen before; and the moments that it marks. */
import type { AnnotationQuery, VariableModel } from '@grafana/schema';
import type { Plain } from './dashboard.ts';
import type { Board } from './panel.ts';

export type DataSource = 'prometheus' | 'influxdb';

const all = { text: 'All', value: '$__all' };

function chosen(name: string, label: string, datasource: DataSource, query: string): Plain<VariableModel> {
  return {
    type: 'query',
    name,
    label,
    datasource: { type: datasource, uid: '${datasource}' },
    query: datasource === 'prometheus' ? { query, refId: name } : query,
    refresh: 2,
    sort: 1,
    includeAll: true,
    allValue: '.*',
    multi: true,
    current: all,
    options: [],
    hide: 0,
  };
}

const promQueries = {
  deployment: 'label_values(flyball_replicas_desired{instance=~"$instance"}, deployment)',
  version: 'label_values(flyball_requests_total{instance=~"$instance",deployment=~"$deployment"}, version)',
  node: 'label_values(flyball_node_cpu_cores{instance=~"$instance"}, node)',
} as const;

const influxQueries = {
  deployment: 'SHOW TAG VALUES FROM "flyball_deployment" WITH KEY = "deployment"',
  version: 'SHOW TAG VALUES FROM "flyball_requests" WITH KEY = "version" WHERE "deployment" =~ /^$deployment$/',
  node: 'SHOW TAG VALUES FROM "flyball_node" WITH KEY = "node"',
} as const;

const labels = { deployment: 'Deployment', version: 'Version', node: 'Node' } as const;

export function variables(board: Board, datasource: DataSource): Plain<VariableModel>[] {
  const isPrometheus = datasource === 'prometheus';
  return [
    {
      type: 'datasource',
      name: 'datasource',
      label: 'Data source',
      query: datasource,
      refresh: 1,
      includeAll: false,
      multi: false,
      options: [],
      hide: 0,
    },
    ...(isPrometheus
      ? [chosen('instance', 'Platform', datasource, 'label_values(flyball_process_resident_memory_bytes, instance)')]
      : []),
    ...board.by.map((name) =>
      chosen(name, labels[name], datasource, isPrometheus ? promQueries[name] : influxQueries[name]),
    ),
    { type: 'textbox', name: 'console', label: 'Console', query: 'http://127.0.0.1:8080', hide: 0 },
  ];
}

type Marked = Plain<AnnotationQuery> & Readonly<Record<string, unknown>>;

/** Moments at which the number of replicas that is wanted has changed; with InfluxDB also why. */
export function annotations(board: Board, datasource: DataSource): Marked[] {
  if (!board.by.includes('deployment')) return [];
  const common = {
    datasource: { type: datasource, uid: '${datasource}' },
    enable: true,
    iconColor: 'blue',
    name: 'Decisions',
  };
  if (datasource === 'prometheus') {
    return [
      {
        ...common,
        expr: 'sum by (deployment) (changes(flyball_replicas_desired{instance=~"$instance",deployment=~"$deployment"}[1m])) > 0',
        step: '60s',
        titleFormat: '{{deployment}}: another number of replicas is wanted',
        tagKeys: 'deployment',
      },
    ];
  }
  const query =
    'SELECT "action", "reason" FROM "flyball_decision" WHERE "deployment" =~ /^$deployment$/ AND $timeFilter';
  return [
    { ...common, query, fromAnnotations: true, titleColumn: 'action', textColumn: 'reason', tagsColumn: 'deployment' },
  ];
}
