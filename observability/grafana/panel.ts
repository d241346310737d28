/**
 * A panel as it is thought of: what it shows in which unit, for whom, and the queries of both data sources. What becomes
 * of it in Grafana's JSON is in `dashboard.ts`.
 */

export interface PromQuery {
  readonly expr: string;
  readonly legend: string;
  /** Also the traces of single requests. */
  readonly exemplars?: true;
  readonly as?: 'heatmap' | 'table';
}

export interface InfluxQuery {
  /** InfluxQL: InfluxDB 1, 2 (with a mapping of its buckets) and 3 all take it. */
  readonly query: string;
  readonly alias: string;
}

export interface PanelSource {
  readonly title: string;
  /** What it means, and what to do when it is not as it should be. */
  readonly description: string;
  readonly kind: 'timeseries' | 'stat' | 'state-timeline' | 'heatmap';
  /** As Grafana names it: s, reqps, percentunit, bytes, short … */
  readonly unit: string;
  /** Of 24. */
  readonly width: number;
  readonly prometheus: readonly PromQuery[];
  /** Absent: InfluxDB cannot answer it. */
  readonly influx?: readonly InfluxQuery[];
  /** From each value on in this colour; also drawn as a line. */
  readonly thresholds?: readonly (readonly [from: number, color: 'green' | 'orange' | 'red'])[];
  readonly stacked?: true;
  /** Steps rather than slopes: a count of things. */
  readonly stepped?: true;
  readonly min?: number;
  readonly max?: number;
  /** States of a timeline by value. */
  readonly states?: Readonly<Record<string, { readonly text: string; readonly color: string }>>;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly PanelSource[];
}

export interface Board {
  /** `flyball-red`; InfluxDB's has `-influxdb` after it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly rows: readonly Row[];
  /** Variables beside the data source. */
  readonly by: readonly ('deployment' | 'version' | 'node')[];
}

/** Of the chosen instance and deployments; `more` is added to the matchers. */
export const one = (metric: string, more = ''): string =>
  `${metric}{instance=~"$instance",deployment=~"$deployment"${more === '' ? '' : `,${more}`}}`;

export const rate = (metric: string, more = ''): string => `rate(${one(metric, more)}[$__rate_interval])`;

export const ofNode = (metric: string, more = ''): string =>
  `${metric}{instance=~"$instance",node=~"$node"${more === '' ? '' : `,${more}`}}`;

const inTime = `$timeFilter GROUP BY time($__interval)`;

/** The last value of a field in each interval, a series for each value of the tags. */
export function lastOf(field: string, measurement: string, tags: readonly string[], more = ''): string {
  const names = tags.map((tag) => `, "${tag}"`).join('');
  return `SELECT last("${field}") FROM "${measurement}" WHERE ${more}${filterOf(measurement)} AND ${inTime}${names} fill(none)`;
}

export function meanOf(field: string, measurement: string, tags: readonly string[], more = ''): string {
  return lastOf(field, measurement, tags, more).replace('SELECT last(', 'SELECT mean(');
}

export const maxOf = (field: string, measurement: string, tags: readonly string[], more = ''): string =>
  lastOf(field, measurement, tags, more).replace('SELECT last(', 'SELECT max(');

/** What a total grows a second, added up over all series that the tags do not tell apart. */
export function rateOf(measurement: string, tags: readonly string[], field = 'total', more = ''): string {
  const names = tags.map((tag) => `, "${tag}"`).join('');
  const inner = `SELECT non_negative_derivative(last("${field}"), 1s) AS "rate" FROM "${measurement}" WHERE ${more}${filterOf(measurement)} AND ${inTime}, *`;
  return `SELECT sum("rate") FROM (${inner}) WHERE ${inTime}${names} fill(none)`;
}

const filterOf = (measurement: string): string =>
  measurement === 'flyball_node' ? '"node" =~ /^$node$/' : '"deployment" =~ /^$deployment$/';
