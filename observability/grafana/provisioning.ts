/** Files that Grafana reads at its start: where data comes from, and where boards are. */
import { influxUid, prometheusUid } from './alerting.ts';

export const dataSources = (): object => ({
  apiVersion: 1,
  datasources: [
    {
      name: 'Prometheus',
      type: 'prometheus',
      uid: prometheusUid,
      access: 'proxy',
      url: '${PROMETHEUS_URL}',
      isDefault: true,
      editable: false,
      jsonData: {
        httpMethod: 'POST',
        timeInterval: '10s',
        // An exemplar leads to its request in the console.
        exemplarTraceIdDestinations: [
          {
            name: 'trace_id',
            url: '${FLYBALL_CONSOLE_URL}/api/v1/requests/$${__value.raw}',
            urlDisplayLabel: 'The request',
          },
        ],
      },
    },
    {
      name: 'InfluxDB',
      type: 'influxdb',
      uid: influxUid,
      access: 'proxy',
      url: '${INFLUXDB_URL}',
      editable: false,
      // InfluxQL is what releases 1, 2 and 3 have in common.
      jsonData: { version: 'InfluxQL', dbName: 'flyball', httpMode: 'POST', timeInterval: '10s' },
    },
  ],
});

export const dashboardProviders = (): object => ({
  apiVersion: 1,
  providers: [
    {
      name: 'flyball',
      orgId: 1,
      type: 'file',
      folder: 'Flyball',
      folderUid: 'flyball',
      updateIntervalSeconds: 30,
      allowUiUpdates: false,
      disableDeletion: false,
      options: { path: '/etc/grafana/dashboards' },
    },
  ],
});
