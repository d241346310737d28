/**
 * deploy/compose.yaml, as far as it can be looked at without an engine and a registry: the schema of the Compose
 * Specification, what it mounts, and each mounted configuration by the program that reads it.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Ajv } from 'ajv';
import { parse } from 'yaml';
import { loadSpecification } from '../../src/config/load.ts';
import { promtool, promtoolSkip } from '../support/promtool.ts';

const deploy = new URL('../../deploy/', import.meta.url);
const pathOf = (name: string): string => fileURLToPath(new URL(name, deploy));

interface Service {
  readonly image: string;
  readonly ports: readonly string[];
  readonly volumes: readonly string[];
  readonly healthcheck?: object;
  readonly profiles?: readonly string[];
}

interface Compose {
  readonly services: Readonly<Record<string, Service>>;
  readonly volumes: object;
}

const compose = parse(readFileSync(new URL('compose.yaml', deploy), 'utf8')) as Compose;
const services = Object.entries(compose.services);

test('it is what the Compose Specification allows', () => {
  // github.com/compose-spec/compose-go v2.4.9 (Apache-2.0), the schema that `docker compose` itself uses.
  const schema = JSON.parse(readFileSync(new URL('compose-spec.schema.json', import.meta.url), 'utf8')) as {
    $schema?: string;
  };
  const { $schema: _, ...plain } = schema;
  const ajv = new Ajv({ strict: false, allErrors: true, validateFormats: false });
  const isValid = ajv.compile(plain);
  assert.ok(isValid(compose), JSON.stringify(isValid.errors));
  const wrong = structuredClone(compose) as { services: Record<string, object> };
  wrong.services['flyball'] = { ...wrong.services['flyball'], helthcheck: {} };
  assert.ok(!isValid(wrong), 'a misspelt key is found');
});

test('images have a tag and no made-up digest, ports are of loopback, everything has a health check', () => {
  assert.deepEqual(Object.keys(compose.services).toSorted(), [
    'alertmanager',
    'flyball',
    'grafana',
    'influxdb',
    'prometheus',
  ]);
  for (const [name, { image, ports, healthcheck, profiles }] of services) {
    assert.match(image.replace(/^\$\{\w+:-(.*)\}$/, '$1'), /^[a-z/]+:v?\d[\w.]*$/, name);
    for (const port of ports) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/, name);
    assert.ok(healthcheck !== undefined, name);
    assert.equal(profiles === undefined, name === 'flyball', 'the platform alone comes by default');
  }
});

test('whatever it mounts is there', () => {
  for (const [name, { volumes }] of services)
    for (const volume of volumes) {
      const [source = ''] = volume.split(':');
      const isThere = source.startsWith('.') ? existsSync(pathOf(source)) : source in compose.volumes;
      assert.ok(isThere, `${name}: ${volume}`);
    }
});

test('Prometheus takes its configuration', promtoolSkip, () => {
  const { code, output } = promtool(['check', 'config', 'prometheus.yml'], { cwd: pathOf('prometheus') });
  assert.equal(code, 0, output);
});

const amtool = spawnSync('amtool', ['--version']).error === undefined;
test('Alertmanager takes its configuration', amtool ? {} : { skip: 'no amtool (apt: prometheus-alertmanager)' }, () => {
  const { status, stdout, stderr } = spawnSync('amtool', ['check-config', pathOf('alertmanager/alertmanager.yml')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, `${stdout}${stderr}`);
});

test('the platform takes its specification, also with the sink that is to be uncommented', async (context: TestContext) => {
  const { specification } = await loadSpecification(pathOf('flyball.yaml'));
  assert.deepEqual(Object.keys(specification.alerts?.webhooks ?? {}).toSorted(), ['alertmanager', 'grafana']);
  const folder = mkdtempSync(join(tmpdir(), 'flyball-compose-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const text = readFileSync(pathOf('flyball.yaml'), 'utf8');
  const uncommented = text.replaceAll(/^# (telemetry:| {2}influx:| {4}- .*)$/gm, '$1');
  writeFileSync(join(folder, 'flyball.yaml'), uncommented);
  const { specification: withSink } = await loadSpecification(join(folder, 'flyball.yaml'));
  assert.equal(withSink.telemetry.influx.length, 1);
});
