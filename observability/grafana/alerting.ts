/**
 * The alerts as Grafana's own rules: the value is asked of Prometheus, the threshold is Grafana's, so that a platform that is
 * not scraped is told as NoData and never as well. The contact point is the platform's webhook.
 */
import { alerts, type Alert } from '../alerts.ts';
import { labelsOf } from '../proof.ts';

/** Of the data sources that are provisioned: rules name theirs, and take no variable. */
export const prometheusUid = 'flyball-prometheus';
export const influxUid = 'flyball-influxdb';
export const contactPoint = 'flyball';

const lookBackSeconds = 600;

/**
 * The value, and beside it one that is well for as long as the platform is scraped at all: a platform without deployments,
 * sinks or figures of its memory has nothing to tell, which is not the same as not being heard.
 */
function valueWhileScraped({ value, threshold }: Alert): string {
  const well = threshold.is === '>' ? 0 : 1;
  return `(${value}) or ${well} * max by (job) (up{job="flyball"} == 1)`;
}

function ruleOf(alert: Alert): object {
  const { name, uid, threshold, summary, description } = alert;
  const expression = { type: '__expr__', uid: '__expr__' };
  // `$labels` of an annotation stand as they are; of a label they would be taken for a variable of the environment.
  return {
    uid,
    title:
      uid === `flyball-burn-${alert.labels?.['slo']}-${alert.labels?.['window']}`
        ? `${name} (${alert.labels?.['slo']}, ${alert.labels?.['window']})`
        : name,
    condition: 'C',
    for: alert.for,
    noDataState: 'NoData',
    execErrState: 'Error',
    labels: labelsOf(alert),
    annotations: { summary, description },
    notification_settings: { receiver: contactPoint, group_by: ['grafana_folder', 'alertname'], group_wait: '5s' },
    data: [
      {
        refId: 'A',
        relativeTimeRange: { from: lookBackSeconds, to: 0 },
        datasourceUid: prometheusUid,
        model: { refId: 'A', expr: valueWhileScraped(alert), instant: true, range: false, editorMode: 'code' },
      },
      {
        refId: 'C',
        relativeTimeRange: { from: lookBackSeconds, to: 0 },
        datasourceUid: '__expr__',
        model: {
          refId: 'C',
          type: 'threshold',
          datasource: expression,
          expression: 'A',
          conditions: [
            { type: 'query', evaluator: { type: threshold.is === '>' ? 'gt' : 'lt', params: [threshold.than] } },
          ],
        },
      },
    ],
  };
}

export const ruleGroups = (): object => ({
  apiVersion: 1,
  groups: [{ orgId: 1, name: 'flyball', folder: 'Flyball', interval: '30s', rules: alerts.map(ruleOf) }],
});

/** Signed from Grafana 12 on; before, an authorisation header says who it is. */
export const contactPoints = (): object => ({
  apiVersion: 1,
  contactPoints: [
    {
      orgId: 1,
      name: contactPoint,
      receivers: [
        {
          uid: 'flyball-webhook',
          type: 'webhook',
          disableResolveMessage: false,
          settings: {
            url: '${FLYBALL_URL}/api/v1/webhooks/grafana',
            httpMethod: 'POST',
            maxAlerts: 500,
            authorization_scheme: 'Bearer',
            authorization_credentials: '${FLYBALL_WEBHOOK_TOKEN}',
          },
        },
      ],
    },
  ],
});
