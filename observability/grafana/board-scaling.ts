/** Load, processors, replicas and the moments at which their number changed, one above the other on one time axis. */
import { lastOf, maxOf, meanOf, one, rate, rateOf, type Board } from './panel.ts';

const wide = { kind: 'timeseries', width: 24, min: 0 } as const;
const by = (metric: string, more = ''): string => `sum by (deployment) (${one(metric, more)})`;

export const scalingBoard: Board = {
  uid: 'flyball-scaling',
  title: 'scaling',
  description:
    'What was asked, how busy that made the processors, and what capacity followed it. Blue lines are changes of the number of replicas that is wanted.',
  by: ['deployment'],
  rows: [
    {
      title: 'Load',
      panels: [
        {
          ...wide,
          title: 'Requests',
          description: 'Ended a second. Capacity should follow it, and be there before it where it can be foreseen.',
          unit: 'reqps',
          prometheus: [{ expr: `sum by (deployment) (${rate('flyball_requests_total')})`, legend: '{{deployment}}' }],
          influx: [{ query: rateOf('flyball_requests', ['deployment']), alias: '$tag_deployment' }],
        },
        {
          ...wide,
          title: 'Processors',
          description:
            'Mean share of the allowance of a deployment’s replicas. The rule "thresholds" adds above 80 % and takes away below 40 %.',
          unit: 'percentunit',
          thresholds: [
            [0.4, 'green'],
            [0.8, 'red'],
          ],
          prometheus: [{ expr: `avg by (deployment) (${one('flyball_replica_cpu_share')})`, legend: '{{deployment}}' }],
          influx: [{ query: meanOf('cpu_share', 'flyball_replica', ['deployment']), alias: '$tag_deployment' }],
        },
      ],
    },
    {
      title: 'Capacity',
      panels: [
        {
          ...wide,
          title: 'Replicas',
          description:
            'Wanted, ready, and the bounds. Wanted above ready for long: they do not start, see flyball status.',
          unit: 'short',
          stepped: true,
          prometheus: [
            { expr: by('flyball_replicas_desired'), legend: '{{deployment}} wanted' },
            { expr: by('flyball_replicas', 'state="ready"'), legend: '{{deployment}} ready' },
            { expr: by('flyball_replicas', 'state="starting"'), legend: '{{deployment}} starting' },
            { expr: `max by (deployment) (${one('flyball_replicas_max')})`, legend: '{{deployment}} at most' },
          ],
          influx: [
            {
              query: lastOf('replicas_desired', 'flyball_deployment', ['deployment']),
              alias: '$tag_deployment wanted',
            },
            { query: lastOf('replicas_ready', 'flyball_deployment', ['deployment']), alias: '$tag_deployment ready' },
            {
              query: lastOf('replicas_starting', 'flyball_deployment', ['deployment']),
              alias: '$tag_deployment starting',
            },
            { query: lastOf('replicas_max', 'flyball_deployment', ['deployment']), alias: '$tag_deployment at most' },
          ],
        },
        {
          ...wide,
          title: 'Changes of replicas',
          description: 'Into each state, a minute; failed and ejected should be flat.',
          unit: 'cpm',
          stepped: true,
          prometheus: [
            {
              expr: `60 * sum by (deployment, state) (${rate('flyball_replica_changes_total')})`,
              legend: '{{deployment}} {{state}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_replica_changes', ['deployment', 'state']),
              alias: '$tag_deployment $tag_state',
            },
          ],
        },
        {
          ...wide,
          title: 'Machines',
          description: 'Cores of the machines that replicas run on.',
          unit: 'short',
          stepped: true,
          prometheus: [{ expr: 'sum by (node) (flyball_node_cpu_cores{instance=~"$instance"})', legend: '{{node}}' }],
          influx: [
            {
              query: maxOf('cpu_cores', 'flyball_node', ['node']).replace('"node" =~ /^$node$/ AND ', ''),
              alias: '$tag_node',
            },
          ],
        },
      ],
    },
  ],
};
