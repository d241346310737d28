/**
 * Boards as Grafana's classic JSON, schema version 39: Grafana 10.4 reads it as it is, later ones bring it up to date by
 * themselves. No `__inputs`: files that are provisioned are not asked for any; the data source is a variable.
 */
import type { Dashboard, Panel, RowPanel } from '@grafana/schema';
import type { Options as TimeSeriesOptions } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
import type { Options as StatOptions } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as HeatmapOptions } from '@grafana/schema/dist/esm/raw/composable/heatmap/panelcfg/x/HeatmapPanelCfg_types.gen';
import type { Options as TimelineOptions } from '@grafana/schema/dist/esm/raw/composable/statetimeline/panelcfg/x/StateTimelinePanelCfg_types.gen';
import type { Board, PanelSource } from './panel.ts';
import { annotations, variables, type DataSource } from './variables.ts';

/** Grafana's shapes with its enumerations as the text and numbers that stand in a file. */
export type Plain<Shape> = Shape extends string
  ? `${Shape}`
  : Shape extends number
    ? number
    : Shape extends readonly (infer Item)[]
      ? Plain<Item>[]
      : Shape extends object
        ? { [Key in keyof Shape]: Plain<Shape[Key]> }
        : Shape;

const rowHeight = 1;
const panelHeight = 8;
const statHeight = 4;

type Options = Record<string, unknown>;
const legend = { displayMode: 'table', placement: 'bottom', showLegend: true, calcs: ['lastNotNull', 'max'] } as const;

function optionsOf({ kind }: PanelSource): Options {
  switch (kind) {
    case 'timeseries':
      return {
        legend: { ...legend, calcs: [...legend.calcs] },
        tooltip: { mode: 'multi', sort: 'desc' },
      } satisfies Plain<TimeSeriesOptions>;
    case 'stat':
      return {
        colorMode: 'value',
        graphMode: 'area',
        justifyMode: 'auto',
        orientation: 'auto',
        textMode: 'auto',
        wideLayout: true,
        showPercentChange: false,
        percentChangeColorMode: 'standard',
        reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
      } satisfies Plain<StatOptions>;
    case 'state-timeline':
      return {
        legend: { displayMode: 'list', placement: 'bottom', showLegend: true, calcs: [] },
        tooltip: { mode: 'single', sort: 'none' },
        rowHeight: 0.9,
        showValue: 'auto',
        mergeValues: true,
        alignValue: 'left',
      } satisfies Plain<TimelineOptions>;
    case 'heatmap':
      return {
        calculate: false,
        cellGap: 1,
        color: { mode: 'scheme', scheme: 'Oranges', steps: 64, exponent: 0.5, fill: 'dark-orange', reverse: false },
        exemplars: { color: 'rgba(255,0,255,0.7)' },
        legend: { show: true },
        rowsFrame: { layout: 'auto' },
        showValue: 'never',
        tooltip: { mode: 'single', yHistogram: true },
        yAxis: { axisPlacement: 'left', unit: 's' },
      } satisfies Plain<HeatmapOptions>;
    default:
      return kind satisfies never;
  }
}

function customOf({ kind, stacked, stepped, thresholds }: PanelSource): Options {
  if (kind === 'timeseries') {
    return {
      drawStyle: 'line',
      lineInterpolation: stepped === true ? 'stepAfter' : 'linear',
      lineWidth: 1,
      fillOpacity: stacked === true ? 30 : 8,
      showPoints: 'never',
      spanNulls: false,
      stacking: { mode: stacked === true ? 'normal' : 'none', group: 'A' },
      thresholdsStyle: { mode: thresholds === undefined ? 'off' : 'line' },
    };
  }
  return kind === 'state-timeline' ? { fillOpacity: 70, lineWidth: 0 } : {};
}

/** Grafana lists targets by letter. */
const refId = (index: number): string => String.fromCharCode('A'.charCodeAt(0) + index);

function targetsOf(panel: PanelSource, source: DataSource): Options[] {
  const datasource = { type: source, uid: '${datasource}' };
  if (source === 'influxdb') {
    return (panel.influx ?? []).map(({ query, alias }, index) => ({
      refId: refId(index),
      datasource,
      query,
      alias,
      rawQuery: true,
      resultFormat: 'time_series',
    }));
  }
  return panel.prometheus.map(({ expr, legend: legendFormat, exemplars, as }, index) => ({
    refId: refId(index),
    datasource,
    expr,
    legendFormat,
    editorMode: 'code',
    range: panel.kind !== 'stat',
    instant: panel.kind === 'stat',
    ...(exemplars === true && { exemplar: true }),
    ...(as !== undefined && { format: as }),
  }));
}

function toPanel(source: PanelSource, datasource: DataSource): Omit<Plain<Panel>, 'id' | 'gridPos'> {
  const { title, description, kind, unit, min, max, thresholds, states } = source;
  const steps = [{ color: 'green', value: null }, ...(thresholds ?? []).map(([value, color]) => ({ color, value }))];
  return {
    title,
    description,
    type: kind,
    datasource: { type: datasource, uid: '${datasource}' },
    targets: targetsOf(source, datasource),
    options: optionsOf(source),
    fieldConfig: {
      defaults: {
        unit,
        noValue: 'nothing yet',
        ...(min !== undefined && { min }),
        ...(max !== undefined && { max }),
        color: { mode: thresholds === undefined && kind !== 'stat' ? 'palette-classic' : 'thresholds' },
        ...(kind === 'timeseries' && { color: { mode: 'palette-classic' } }),
        thresholds: { mode: 'absolute', steps },
        custom: customOf(source),
        links: [
          {
            title: 'Why',
            url: '${console:raw}/why/${__field.labels.deployment}?at=${__value.time}',
            targetBlank: true,
          },
        ].filter(() => /deployment/.test(JSON.stringify(source.prometheus))),
        ...(states !== undefined && {
          mappings: [
            {
              type: 'value',
              options: Object.fromEntries(
                Object.entries(states).map(([value, state], index) => [value, { ...state, index }]),
              ),
            },
          ],
        }),
      },
      overrides: [],
    },
  };
}

/** Rows one below the other, panels from left to right. */
function layOut(board: Board, datasource: DataSource): (Plain<Panel> | Plain<RowPanel>)[] {
  const panels: (Plain<Panel> | Plain<RowPanel>)[] = [];
  let y = 0;
  for (const row of board.rows) {
    const shown = row.panels.filter(({ influx }) => datasource === 'prometheus' || influx !== undefined);
    if (shown.length === 0) continue;
    const id = (): number => panels.length + 1;
    const place = { h: rowHeight, w: 24, x: 0, y };
    panels.push({ type: 'row', id: id(), title: row.title, collapsed: false, gridPos: place, panels: [] });
    y += rowHeight;
    let x = 0;
    let tallest = 0;
    for (const panel of shown) {
      const h = panel.kind === 'stat' ? statHeight : panelHeight;
      if (x + panel.width > 24) {
        y += tallest;
        [x, tallest] = [0, 0];
      }
      panels.push({ ...toPanel(panel, datasource), id: id(), gridPos: { h, w: panel.width, x, y } });
      x += panel.width;
      tallest = Math.max(tallest, h);
    }
    y += tallest;
  }
  return panels;
}

export function toDashboard(board: Board, datasource: DataSource): Plain<Dashboard> {
  const isInflux = datasource === 'influxdb';
  return {
    id: null,
    uid: isInflux ? `${board.uid}-influxdb` : board.uid,
    title: `Flyball: ${board.title}${isInflux ? ' (InfluxDB)' : ''}`,
    description: board.description,
    tags: ['flyball'],
    schemaVersion: 39,
    editable: true,
    timezone: 'browser',
    graphTooltip: 1,
    refresh: '10s',
    time: { from: 'now-1h', to: 'now' },
    links: [
      {
        title: 'Flyball',
        type: 'dashboards',
        tags: ['flyball'],
        asDropdown: false,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
        icon: 'external link',
        tooltip: '',
        url: '',
      },
    ],
    templating: { list: variables(board, datasource) },
    annotations: { list: annotations(board, datasource) },
    panels: layOut(board, datasource),
  };
}
