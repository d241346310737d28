/** Utilisation, saturation and errors of each machine: what a fleet runs into. */
import { lastOf, meanOf, ofNode, rateOf, type Board, type PanelSource } from './panel.ts';

const rate = (metric: string, more = ''): string => `rate(${ofNode(metric, more)}[$__rate_interval])`;

const panel = (source: Omit<PanelSource, 'kind' | 'width'>): PanelSource => ({
  kind: 'timeseries',
  width: 12,
  min: 0,
  ...source,
});

export const nodeBoard: Board = {
  uid: 'flyball-node',
  title: 'nodes',
  description: 'Of each machine and each of its resources: how much is in use, what waits for it, and what went wrong.',
  by: ['node'],
  rows: [
    {
      title: 'Processors',
      panels: [
        panel({
          title: 'In use',
          description: 'Share of all processors that worked. Above nine tenths requests wait for a core.',
          unit: 'percentunit',
          max: 1,
          thresholds: [[0.9, 'red']],
          prometheus: [
            {
              expr: `1 - sum by (node) (${rate('flyball_node_cpu_seconds_total', 'mode=~"idle|iowait"')}) / sum by (node) (${rate('flyball_node_cpu_seconds_total')})`,
              legend: '{{node}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_node', ['node', 'mode'], 'cpu_seconds_total', `"mode" != 'idle' AND `),
              alias: '$tag_node $tag_mode',
            },
          ],
        }),
        panel({
          title: 'Waiting for one',
          description: 'Share of the time in which something waited for a processor (pressure stall information).',
          unit: 'percentunit',
          max: 1,
          prometheus: [
            {
              expr: `sum by (node) (${rate('flyball_node_waiting_seconds_total', 'resource="cpu"')})`,
              legend: '{{node}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_node', ['node'], 'waiting_seconds_total', `"resource" = 'cpu' AND `),
              alias: '$tag_node',
            },
          ],
        }),
      ],
    },
    {
      title: 'Memory',
      panels: [
        panel({
          title: 'In use',
          description: 'What could not be had without swapping, and all there is.',
          unit: 'bytes',
          prometheus: [
            {
              expr: `sum by (node) (${ofNode('flyball_node_memory_total_bytes')} - ${ofNode('flyball_node_memory_available_bytes')})`,
              legend: '{{node}} used',
            },
            { expr: `sum by (node) (${ofNode('flyball_node_memory_total_bytes')})`, legend: '{{node}} all' },
          ],
          influx: [
            {
              query:
                'SELECT last("memory_total_bytes") - last("memory_available_bytes") FROM "flyball_node" WHERE "node" =~ /^$node$/ AND $timeFilter GROUP BY time($__interval), "node" fill(none)',
              alias: '$tag_node used',
            },
            { query: lastOf('memory_total_bytes', 'flyball_node', ['node']), alias: '$tag_node all' },
          ],
        }),
        panel({
          title: 'Processes that the kernel has killed for it',
          description: 'Any is one too many: lower replicas.max or node.memory, or give it more.',
          unit: 'short',
          prometheus: [
            {
              expr: `sum by (node) (increase(${ofNode('flyball_node_oom_kills_total')}[$__rate_interval]))`,
              legend: '{{node}}',
            },
          ],
          influx: [{ query: rateOf('flyball_node', ['node'], 'oom_kills_total'), alias: '$tag_node' }],
        }),
      ],
    },
    {
      title: 'Disk and network',
      panels: [
        panel({
          title: 'Disk of the data directory',
          description: 'What may still be written. On a full disk changes are refused, requests are not.',
          unit: 'bytes',
          prometheus: [
            { expr: `min by (node) (${ofNode('flyball_node_filesystem_avail_bytes')})`, legend: '{{node}} free' },
            { expr: `min by (node) (${ofNode('flyball_node_filesystem_size_bytes')})`, legend: '{{node}} all' },
          ],
          influx: [
            { query: lastOf('filesystem_avail_bytes', 'flyball_node', ['node']), alias: '$tag_node free' },
            { query: lastOf('filesystem_size_bytes', 'flyball_node', ['node']), alias: '$tag_node all' },
          ],
        }),
        panel({
          title: 'Disks busy',
          description: 'Share of the time in which something was under way.',
          unit: 'percentunit',
          prometheus: [
            {
              expr: `sum by (node, device) (${rate('flyball_node_disk_io_time_seconds_total')})`,
              legend: '{{node}} {{device}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_node', ['node', 'device'], 'disk_io_time_seconds_total'),
              alias: '$tag_node $tag_device',
            },
          ],
        }),
        panel({
          title: 'Network',
          description: 'Received and sent, without loopback.',
          unit: 'Bps',
          prometheus: [
            {
              expr: `sum by (node) (${rate('flyball_node_network_receive_bytes_total')})`,
              legend: '{{node}} received',
            },
            { expr: `sum by (node) (${rate('flyball_node_network_transmit_bytes_total')})`, legend: '{{node}} sent' },
          ],
          influx: [
            { query: rateOf('flyball_node', ['node'], 'network_receive_bytes_total'), alias: '$tag_node received' },
            { query: rateOf('flyball_node', ['node'], 'network_transmit_bytes_total'), alias: '$tag_node sent' },
          ],
        }),
        panel({
          title: 'Network errors and drops',
          description: 'Should be flat.',
          unit: 'pps',
          prometheus: [
            {
              expr: `sum by (node) (${rate('flyball_node_network_receive_errs_total')} + ${rate('flyball_node_network_transmit_errs_total')} + ${rate('flyball_node_network_receive_drop_total')} + ${rate('flyball_node_network_transmit_drop_total')})`,
              legend: '{{node}}',
            },
          ],
          influx: [
            { query: rateOf('flyball_node', ['node'], 'network_receive_drop_total'), alias: '$tag_node dropped' },
            { query: rateOf('flyball_node', ['node'], 'network_receive_errs_total'), alias: '$tag_node errors' },
          ],
        }),
      ],
    },
    {
      title: 'Replicas on it',
      panels: [
        panel({
          title: 'Processor time of replicas',
          description: 'Cores that each uses.',
          unit: 'short',
          stacked: true,
          prometheus: [
            {
              expr: `sum by (deployment, replica) (${rate('flyball_replica_cpu_seconds_total')})`,
              legend: '{{deployment}} {{replica}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_replica', ['deployment', 'replica'], 'cpu_seconds_total').replace(
                '"deployment" =~ /^$deployment$/',
                '"node" =~ /^$node$/',
              ),
              alias: '$tag_deployment $tag_replica',
            },
          ],
        }),
        panel({
          title: 'Memory of replicas',
          description: 'Resident, what they have started included.',
          unit: 'bytes',
          stacked: true,
          prometheus: [
            {
              expr: 'sum by (deployment, replica) (flyball_replica_resident_memory_bytes{instance=~"$instance"})',
              legend: '{{deployment}} {{replica}}',
            },
          ],
          influx: [
            {
              query: meanOf('resident_memory_bytes', 'flyball_replica', ['deployment', 'replica']).replace(
                '"deployment" =~ /^$deployment$/ AND ',
                '',
              ),
              alias: '$tag_deployment $tag_replica',
            },
          ],
        }),
      ],
    },
    {
      title: 'The platform itself',
      panels: [
        panel({
          title: 'Processor time of its processes',
          description: 'Cores that gateways, control and supervisor use. A gateway near 1: more gateway.workers.',
          unit: 'short',
          prometheus: [
            {
              expr: 'sum by (role, worker) (rate(flyball_process_cpu_seconds_total{instance=~"$instance"}[$__rate_interval]))',
              legend: '{{role}} {{worker}}',
            },
          ],
        }),
        panel({
          title: 'Sinks',
          description:
            'What each has taken and lost, a second. Lost should be flat: flyball status shows the last error.',
          unit: 'short',
          prometheus: [
            {
              expr: 'sum by (sink) (rate(flyball_sink_items_sent_total{instance=~"$instance"}[$__rate_interval]))',
              legend: '{{sink}} taken',
            },
            {
              expr: 'sum by (sink) (rate(flyball_sink_items_dropped_total{instance=~"$instance"}[$__rate_interval]))',
              legend: '{{sink}} lost',
            },
          ],
        }),
      ],
    },
  ],
};
