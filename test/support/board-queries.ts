/** Every query of the shipped boards as its data source would get it: Grafana's variables filled in. */
import { readdirSync, readFileSync } from 'node:fs';
import { parse } from 'yaml';

const folder = new URL('../../deploy/grafana/dashboards/', import.meta.url);

export interface BoardQuery {
  /** Board, panel and target. */
  readonly where: string;
  readonly text: string;
  readonly isInstant: boolean;
}

interface Target {
  readonly refId: string;
  readonly expr?: string;
  readonly query?: string;
  readonly instant?: boolean;
}

interface Board {
  readonly panels: readonly { readonly title: string; readonly targets?: readonly Target[] }[];
  readonly annotations: {
    readonly list: readonly { readonly name: string; readonly expr?: string; readonly query?: string }[];
  };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly query: string | { readonly query: string } }[];
  };
}

const fill = (text: string, interval: string): string =>
  text
    .replaceAll('$__rate_interval', interval)
    .replaceAll('$__interval', interval)
    .replaceAll(/\$(?:instance|deployment|version|node)\b/g, '.*');

function boardsOf(source: 'prometheus' | 'influxdb'): readonly { readonly name: string; readonly board: Board }[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('-influxdb.json') === (source === 'influxdb'))
    .map((name) => ({ name, board: JSON.parse(readFileSync(new URL(name, folder), 'utf8')) as Board }));
}

/** `timeFilter`: InfluxQL's, for what the boards leave to Grafana. */
export function boardQueries(
  source: 'prometheus' | 'influxdb',
  options: { readonly interval: string; readonly timeFilter?: string },
): readonly BoardQuery[] {
  return boardsOf(source).flatMap(({ name, board }) => {
    const query = (where: string, text: string, isInstant = false): BoardQuery => ({
      where: `${name}: ${where}`,
      text: fill(text, options.interval).replaceAll('$timeFilter', options.timeFilter ?? ''),
      isInstant,
    });
    const panels = board.panels.flatMap(({ title, targets = [] }) =>
      targets.map((target) => query(`${title} ${target.refId}`, target.expr ?? target.query ?? '', target.instant)),
    );
    const marks = board.annotations.list.map((mark) => query(mark.name, mark.expr ?? mark.query ?? ''));
    const variables = board.templating.list.flatMap(({ name: variable, query: asked }) =>
      typeof asked === 'string' && asked.startsWith('SHOW') ? [query(`$${variable}`, asked)] : [],
    );
    return panels.concat(marks, variables);
  });
}

/** What each of Grafana's rules asks its data source, by the rule's title. */
export function ruleQueries(): readonly (readonly [title: string, expr: string])[] {
  const path = new URL('../../deploy/grafana/provisioning/alerting/rules.yaml', import.meta.url);
  const { groups } = parse(readFileSync(path, 'utf8')) as {
    groups: readonly {
      rules: readonly { title: string; data: readonly { model: { expr?: string } }[] }[];
    }[];
  };
  return groups.flatMap(({ rules }) => rules.map(({ title, data }) => [title, data[0]?.model.expr ?? ''] as const));
}
