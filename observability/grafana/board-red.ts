/** Rate, errors and duration of each deployment: what callers meet. */
import { lastOf, maxOf, meanOf, one, rate, rateOf, type Board } from './panel.ts';

const quantile = (q: number, name: string): string =>
  `histogram_quantile(${q}, sum by (deployment, le) (${rate(`${name}_bucket`, 'version=~"$version"')}))`;

const stage = (name: string): string => `"stage" = '${name}' AND "version" =~ /^$version$/ AND `;

export const redBoard: Board = {
  uid: 'flyball-red',
  title: 'requests',
  description: 'What callers meet: how many requests, how many of them in vain, and how long the others take.',
  by: ['deployment', 'version'],
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Requests a second',
          description: 'All that ended, answered or not.',
          kind: 'stat',
          unit: 'reqps',
          width: 6,
          prometheus: [{ expr: `sum(${rate('flyball_requests_total', 'version=~"$version"')})`, legend: 'requests' }],
          influx: [{ query: rateOf('flyball_requests', []), alias: 'requests' }],
        },
        {
          title: 'In vain',
          description: 'Share that failed or was refused by the platform. Above its budget: see the board SLO.',
          kind: 'stat',
          unit: 'percentunit',
          width: 6,
          thresholds: [
            [0.001, 'orange'],
            [0.01, 'red'],
          ],
          prometheus: [
            {
              expr: `sum(${rate('flyball_requests_bad_total', 'version=~"$version"')}) / (sum(${rate('flyball_requests_total', 'version=~"$version"')}) > 0)`,
              legend: 'in vain',
            },
          ],
        },
        {
          title: 'p99',
          description: '99 of 100 answers came within this, the queue included.',
          kind: 'stat',
          unit: 's',
          width: 6,
          prometheus: [
            {
              expr: `histogram_quantile(0.99, sum by (le) (${rate('flyball_request_duration_seconds_bucket', 'version=~"$version"')}))`,
              legend: 'p99',
            },
          ],
          influx: [{ query: maxOf('p99', 'flyball_latency', [], stage('total')), alias: 'p99' }],
        },
        {
          title: 'Replicas that serve',
          description: 'Ready ones; what is starting is on the board Scaling.',
          kind: 'stat',
          unit: 'short',
          width: 6,
          prometheus: [{ expr: `sum(${one('flyball_replicas', 'state="ready"')})`, legend: 'ready' }],
          influx: [{ query: lastOf('replicas_ready', 'flyball_deployment', []), alias: 'ready' }],
        },
      ],
    },
    {
      title: 'Rate and errors',
      panels: [
        {
          title: 'Requests',
          description: 'Ended a second, by deployment.',
          kind: 'timeseries',
          unit: 'reqps',
          width: 12,
          min: 0,
          prometheus: [
            {
              expr: `sum by (deployment) (${rate('flyball_requests_total', 'version=~"$version"')})`,
              legend: '{{deployment}}',
            },
          ],
          influx: [{ query: rateOf('flyball_requests', ['deployment']), alias: '$tag_deployment' }],
        },
        {
          title: 'Not answered well',
          description:
            'Ended otherwise than well, by outcome. QUEUE_FULL and OVERLOADED: too little capacity. Codes of 4xx are the callers’.',
          kind: 'timeseries',
          unit: 'reqps',
          width: 12,
          min: 0,
          stacked: true,
          prometheus: [
            {
              expr: `sum by (deployment, outcome) (${rate('flyball_requests_total', 'version=~"$version",outcome!="ok"')})`,
              legend: '{{deployment}} {{outcome}}',
            },
          ],
          influx: [
            {
              query: rateOf('flyball_requests', ['deployment', 'outcome'], 'total', `"outcome" != 'ok' AND `),
              alias: '$tag_deployment $tag_outcome',
            },
          ],
        },
      ],
    },
    {
      title: 'Duration',
      panels: [
        {
          title: 'From arrival to answer',
          description:
            'Median and p99. The p99 far above the median: a queue, or a replica that is slower than the others.',
          kind: 'timeseries',
          unit: 's',
          width: 12,
          min: 0,
          prometheus: [
            { expr: quantile(0.99, 'flyball_request_duration_seconds'), legend: '{{deployment}} p99', exemplars: true },
            { expr: quantile(0.5, 'flyball_request_duration_seconds'), legend: '{{deployment}} p50' },
            { expr: `max by (deployment) (${one('flyball_slo_latency_seconds')})`, legend: '{{deployment}} objective' },
          ],
          influx: [
            { query: maxOf('p99', 'flyball_latency', ['deployment'], stage('total')), alias: '$tag_deployment p99' },
            { query: meanOf('p50', 'flyball_latency', ['deployment'], stage('total')), alias: '$tag_deployment p50' },
          ],
        },
        {
          title: 'Where it goes: queue and compute',
          description:
            'p99 of each. Queue: more replicas help. Compute: a smaller batch, a faster model or more cores do.',
          kind: 'timeseries',
          unit: 's',
          width: 12,
          min: 0,
          prometheus: [
            { expr: quantile(0.99, 'flyball_queue_duration_seconds'), legend: '{{deployment}} queue' },
            { expr: quantile(0.99, 'flyball_compute_duration_seconds'), legend: '{{deployment}} compute' },
          ],
          influx: [
            { query: maxOf('p99', 'flyball_latency', ['deployment'], stage('queue')), alias: '$tag_deployment queue' },
            {
              query: maxOf('p99', 'flyball_latency', ['deployment'], stage('compute')),
              alias: '$tag_deployment compute',
            },
          ],
        },
        {
          title: 'Latency, all requests',
          description: 'How many ended within each bound; two bands are two kinds of request.',
          kind: 'heatmap',
          unit: 's',
          width: 12,
          prometheus: [
            {
              expr: `sum by (le) (${rate('flyball_request_duration_seconds_bucket', 'version=~"$version"')})`,
              legend: '{{le}}',
              as: 'heatmap',
              exemplars: true,
            },
          ],
        },
        {
          title: 'Waiting and being computed',
          description:
            'Requests in the queue, and in replicas. A queue that grows is a load above what the fleet holds.',
          kind: 'timeseries',
          unit: 'short',
          width: 12,
          min: 0,
          prometheus: [
            { expr: `sum by (deployment) (${one('flyball_queue_length')})`, legend: '{{deployment}} waiting' },
            { expr: `sum by (deployment) (${one('flyball_requests_in_flight')})`, legend: '{{deployment}} computed' },
          ],
          influx: [
            { query: maxOf('queue_length', 'flyball_deployment', ['deployment']), alias: '$tag_deployment waiting' },
            {
              query: meanOf('requests_in_flight', 'flyball_deployment', ['deployment']),
              alias: '$tag_deployment computed',
            },
          ],
        },
      ],
    },
  ],
};
