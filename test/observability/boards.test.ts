/** The boards as files: what Grafana 10 and later need to load them as they are, with nothing to fill in or to install. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse } from 'yaml';

const folder = new URL('../../deploy/grafana/', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, folder), 'utf8');

interface Placed {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly h: number; readonly w: number; readonly x: number; readonly y: number };
  readonly datasource?: { readonly uid: string; readonly type: string };
  readonly targets?: readonly { readonly refId: string; readonly datasource: { readonly uid: string } }[];
  readonly fieldConfig?: { readonly defaults: { readonly unit?: string; readonly noValue?: string } };
}

interface Dashboard {
  readonly id: null;
  readonly uid: string;
  readonly schemaVersion: number;
  readonly tags: readonly string[];
  readonly panels: readonly Placed[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

const names = readdirSync(new URL('dashboards/', folder));
const dashboards = names.map((name) => ({
  name,
  text: read(`dashboards/${name}`),
  board: JSON.parse(read(`dashboards/${name}`)) as Dashboard,
}));
/** Part of Grafana since 10: none needs Angular or a plugin. */
const builtIn = new Set(['row', 'timeseries', 'stat', 'state-timeline', 'heatmap', 'table', 'bargauge', 'text']);

test('each board has its own address, asks for nothing at import and names no data source', () => {
  assert.ok(names.length >= 10);
  const uids = dashboards.map(({ board }) => board.uid);
  assert.equal(new Set(uids).size, uids.length);
  for (const { name, text, board } of dashboards) {
    assert.match(board.uid, /^flyball-[a-z-]{1,32}$/, name);
    assert.equal(`${board.uid}.json`, name);
    assert.deepEqual([board.id, board.schemaVersion, board.tags], [null, 39, ['flyball']], name);
    assert.ok(!('version' in board) && !('__inputs' in board), name);
    assert.doesNotMatch(text, /__inputs|\$\{DS_|"datasource": ?"/, name);
    assert.equal(board.templating.list[0]?.type, 'datasource', name);
  }
});

test('each panel has a unit, words for no data, a meaning and a place of its own', () => {
  for (const { name, board } of dashboards) {
    const ids = board.panels.map(({ id }) => id);
    assert.equal(new Set(ids).size, ids.length, name);
    const taken = new Set<string>();
    for (const { type, title, description, gridPos, datasource, targets, fieldConfig } of board.panels) {
      const where = `${name}: ${title}`;
      assert.ok(builtIn.has(type), where);
      assert.ok(gridPos.x + gridPos.w <= 24, where);
      for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
        for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
          assert.ok(!taken.has(`${x} ${y}`), `${where} lies on another`);
          taken.add(`${x} ${y}`);
        }
      if (type === 'row') continue;
      assert.ok((description ?? '').length > 10 && fieldConfig?.defaults.unit !== undefined, where);
      assert.equal(fieldConfig.defaults.noValue, 'nothing yet', where);
      assert.ok(targets !== undefined && targets.length > 0, where);
      assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, where);
      for (const { uid } of [datasource, ...targets.map((target) => target.datasource)].filter(
        (each) => each !== undefined,
      ))
        assert.equal(uid, '${datasource}', where);
    }
  }
});

test('every variable that a query names is one of its board, or of Grafana', () => {
  const own = new Set(['__rate_interval', '__interval', '__field.labels.deployment', '__value.time', '__all']);
  for (const { name, text, board } of dashboards) {
    const declared = new Set(board.templating.list.map((variable) => variable.name));
    for (const [, braced = '', bare = ''] of text.matchAll(/\$\{([\w.]+)(?::\w+)?\}|\$(\w+)/g)) {
      const variable = braced === '' ? bare : braced;
      const isKnown = own.has(variable) || declared.has(variable) || /^(?:timeFilter|tag_\w+)$/.test(variable);
      assert.ok(isKnown, `${name}: ${variable}`);
    }
  }
});

test('rules ask the data source that is provisioned, tell of no data as such, and send to the webhook', () => {
  const { datasources } = parse(read('provisioning/datasources/flyball.yaml')) as {
    datasources: readonly { readonly uid: string; readonly editable: boolean }[];
  };
  const known = new Set(['__expr__', ...datasources.map(({ uid }) => uid)]);
  const { groups } = parse(read('provisioning/alerting/rules.yaml')) as {
    groups: readonly {
      readonly rules: readonly {
        readonly uid: string;
        readonly title: string;
        readonly condition: string;
        readonly noDataState: string;
        readonly notification_settings: { readonly receiver: string };
        readonly data: readonly { readonly refId: string; readonly datasourceUid: string }[];
      }[];
    }[];
  };
  const rules = groups.flatMap((group) => group.rules);
  // Grafana refuses a second rule of the same title in a folder.
  assert.equal(new Set(rules.map(({ title }) => title)).size, rules.length);
  for (const { uid, data, condition, noDataState, notification_settings: settings } of rules) {
    assert.deepEqual([noDataState, settings.receiver], ['NoData', 'flyball'], uid);
    assert.ok(
      data.some(({ refId }) => refId === condition),
      uid,
    );
    for (const { datasourceUid } of data) assert.ok(known.has(datasourceUid), uid);
  }
  assert.match(read('provisioning/alerting/contact-points.yaml'), /\/api\/v1\/webhooks\/grafana$/m);
});
