/** How fast each deployment spends its error budgets, from the recording rules that the alerts use. */
import { burnRecord, burns, objectives } from '../objectives.ts';
import { rateOf, type Board, type PanelSource } from './panel.ts';

const burnRate = (window: string, slo: string): string =>
  `max by (deployment) (${burnRecord(window)}{slo="${slo}",deployment=~"$deployment"})`;

const counted = { availability: 'flyball_requests_bad', latency: 'flyball_requests_late' } as const;

const panels = (slo: keyof typeof counted, failing: string): readonly PanelSource[] => [
  {
    title: `Burn rate: ${slo}`,
    description: `Share of ${slo === 'latency' ? 'answers that came late' : 'requests that failed or were refused'}, as a multiple of what the objective allows. At 1 the budget of 30 days lasts 30 days; at 14.4 for an hour somebody is woken.`,
    kind: 'timeseries',
    unit: 'short',
    width: 12,
    min: 0,
    thresholds: burns
      .map(({ factor, severity }) => [factor, severity === 'page' ? 'red' : 'orange'] as const)
      .toReversed(),
    prometheus: ['5m', '1h', '6h'].map((window) => ({
      expr: burnRate(window, slo),
      legend: `{{deployment}} over ${window}`,
    })),
  },
  {
    title: `What is left of the budget: ${slo}`,
    description: 'Of three days, at the burn rate over them. Below 0 it is spent: change nothing that can wait.',
    kind: 'stat',
    unit: 'percentunit',
    width: 12,
    thresholds: [],
    prometheus: [{ expr: `1 - ${burnRate('3d', slo)} * 3 / 30`, legend: '{{deployment}}' }],
  },
  {
    title: `Counted against it: ${slo}`,
    description: `A second: ${failing}.`,
    kind: 'timeseries',
    unit: 'reqps',
    width: 12,
    min: 0,
    prometheus: [
      {
        expr: `sum by (deployment) (rate(${counted[slo]}_total{instance=~"$instance",deployment=~"$deployment"}[$__rate_interval]))`,
        legend: '{{deployment}}',
      },
    ],
    influx: [{ query: rateOf(counted[slo], ['deployment']), alias: '$tag_deployment' }],
  },
];

export const sloBoard: Board = {
  uid: 'flyball-slo',
  title: 'objectives',
  description: 'Error budgets of each deployment (slo.availability and slo.p99Ms), and how fast they are being spent.',
  by: ['deployment'],
  rows: objectives.map(({ slo, failing }) => ({
    title: slo === 'availability' ? 'Availability' : 'Latency',
    panels: panels(slo, failing),
  })),
};
