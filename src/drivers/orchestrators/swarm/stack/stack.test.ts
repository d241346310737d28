import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { parseSpecification } from '../../../../config/load.ts';
import { makeAuthority } from '../../../../tls/authority.ts';
import { identityOf } from '../../../../tls/platform-authority.ts';
import type { ServiceSpec } from '../engine.ts';
import { settingsOf, stackFiles, targets } from './files.ts';
import { doorsOf, gatewayMetricsPort, stackLabels, type PlacedFile, type StackFile, type StackOrder } from './order.ts';
import { stackServices } from './services.ts';
import { filesOfControl, filesOfGateway, hindrances } from './specification-files.ts';

const at = Date.UTC(2026, 10, 30);
const authority = makeAuthority('fleet', at);
const gateway = identityOf(authority, 'gateway', 'client', at, 1000 * 86_400);
const material = {
  authority: authority.certificate + authority.key,
  identity: gateway.certificate + gateway.key + authority.certificate,
};

function orderOf(text: string, more: Partial<StackOrder> = {}): StackOrder {
  return {
    specification: parseSpecification(text, 'a test'),
    image: 'flyball:1',
    managers: [
      { id: 'a', name: 'node1', address: '10.0.0.1' },
      { id: 'b', name: 'node2', address: '10.0.0.2' },
      { id: 'c', name: 'node3', address: '10.0.0.3' },
    ],
    home: 'b',
    socketGroup: 999,
    authority: 'f00d',
    insecure: true,
    ...more,
  };
}

const placed = (files: readonly StackFile[]): PlacedFile[] =>
  files.map(({ content: _content, ...file }) => ({ ...file, id: `id of ${file.name}` }));

function servicesOf(order: StackOrder, files = new Map<string, string>(), adminKey?: string) {
  const all = stackFiles(order.specification, { ...material, files, adminKey });
  return { ...stackServices(order, placed(all)), files: all };
}

const container = ({ TaskTemplate }: ServiceSpec) =>
  TaskTemplate['ContainerSpec'] as {
    readonly Args: readonly string[];
    readonly User: string;
    readonly Secrets: readonly { readonly File: { readonly Name: string; readonly Mode: number } }[];
    readonly Mounts: readonly { readonly Type: string; readonly Source?: string }[];
    readonly Labels: Readonly<Record<string, string>>;
  };
const portsOf = ({ EndpointSpec }: ServiceSpec) =>
  ((EndpointSpec ?? {})['Ports'] as { TargetPort: number; PublishedPort: number; PublishMode: string }[]).map(
    ({ TargetPort, PublishedPort, PublishMode }) => `${PublishMode} ${PublishedPort}:${TargetPort}`,
  );
const placementOf = ({ TaskTemplate }: ServiceSpec) => TaskTemplate['Placement'];
const orderLabel = (spec: ServiceSpec) => container(spec).Labels[stackLabels.order];

describe('a platform as services of a Swarm', () => {
  test('with SQLite control is bound to the node of its volume, and gateways know its door', () => {
    const order = orderOf('name: fleet');
    const { control, gateway: gateways } = servicesOf(order);
    assert.deepEqual(control.Mode, { Replicated: { Replicas: 1 } });
    assert.deepEqual(placementOf(control), { Constraints: ['node.role==manager', 'node.id==b'] });
    assert.deepEqual(doorsOf(order), ['https://10.0.0.2:8003']);
    assert.deepEqual(container(gateways).Args.slice(-2), ['--door=https://10.0.0.2:8003', '--insecure']);
    assert.deepEqual(gateways.Mode, { Global: {} });
  });

  test('with PostgreSQL two controls are spread over the managers, and gateways know the doors of all', () => {
    const order = orderOf('store: { kind: postgres, url: "postgres://u@db.example/f?sslmode=disable" }');
    const { control } = servicesOf(order);
    assert.deepEqual(control.Mode, { Replicated: { Replicas: 2 } });
    assert.deepEqual(placementOf(control), { Constraints: ['node.role==manager'], MaxReplicas: 1 });
    assert.deepEqual(doorsOf(order), ['https://10.0.0.1:8003', 'https://10.0.0.2:8003', 'https://10.0.0.3:8003']);
    const alone = orderOf('store: { kind: postgres, url: "postgres://u@db.example/f?sslmode=disable" }', {
      managers: [{ id: 'a', name: 'node1', address: 'fd00::1' }],
    });
    assert.deepEqual(servicesOf(alone).control.Mode, { Replicated: { Replicas: 1 } });
    assert.deepEqual(doorsOf(alone), ['https://[fd00::1]:8003']);
  });

  test('every port is one of the node, and both roles have room on one', () => {
    const { control, gateway: gateways } = servicesOf(orderOf('listeners: { management: {} }'));
    assert.deepEqual(portsOf(control), ['host 8080:8080', 'host 8002:8002', 'host 8081:8081', 'host 8003:8003']);
    assert.deepEqual(portsOf(gateways), ['host 8000:8000', 'host 8001:8001', 'host 8004:8002']);
    const crowded = orderOf('listeners: { metrics: { port: 7999 } }').specification;
    assert.equal(gatewayMetricsPort(crowded), 8002);
  });

  test('only control has the key of the authority and the socket of the engine', () => {
    const { control, gateway: gateways } = servicesOf(orderOf('auth: { keys: required }'), new Map(), 'a key');
    const names = (spec: ServiceSpec) => container(spec).Secrets.map(({ File }) => File.Name);
    assert.deepEqual(names(control), [targets.authority, targets.adminKey]);
    assert.deepEqual(names(gateways), [targets.identity]);
    assert.ok(container(control).Secrets.every(({ File }) => File.Mode === 0o400));
    assert.deepEqual([container(control).User, container(gateways).User], ['65532:999', '65532:65532']);
    assert.ok(!container(gateways).Mounts.some(({ Type }) => Type === 'bind'));
  });

  test('the same order gives the same services; what concerns one role leaves the other as it runs', () => {
    const before = servicesOf(orderOf('name: fleet'));
    assert.deepEqual(servicesOf(orderOf('name: fleet')), before);
    const alerted = servicesOf(orderOf('name: fleet\njournal: { entriesMax: 5000 }'));
    assert.deepEqual(
      [orderLabel(alerted.control), orderLabel(alerted.gateway)],
      [orderLabel(before.control), orderLabel(before.gateway)],
    );
    const workers = servicesOf(orderOf('name: fleet\nregistry: { unusedAfterMs: 5000 }'));
    assert.notEqual(orderLabel(workers.control), orderLabel(before.control));
    assert.equal(orderLabel(workers.gateway), orderLabel(before.gateway));
    const ports = servicesOf(orderOf('name: fleet\nlisteners: { http: { port: 80 } }'));
    assert.notEqual(orderLabel(ports.gateway), orderLabel(before.gateway));
    assert.equal(orderLabel(ports.control), orderLabel(before.control));
  });

  test('a file that has changed is another secret, and its name does not tell what is in it', () => {
    const files = (token: string) => {
      const text = 'alerts: { webhooks: { grafana: { bearer: { file: /home/me/token } } } }';
      return servicesOf(orderOf(text), new Map([['/home/me/token', token]])).files;
    };
    const named = (token: string) => files(token).find(({ target }) => target === '/home/me/token')?.name;
    assert.match(named('one') ?? '', /^flyball-token-[0-9a-f]{12}$/);
    assert.notEqual(named('one'), named('two'));
    assert.equal(named('one'), named('one'));
  });

  test('roles read their half of the specification, and listen where others reach them', () => {
    const { specification } = orderOf(
      'name: fleet\nmodels: { m: { path: m.onnx } }\nlisteners: { http: { port: 80 } }',
    );
    const settings = (role: 'control' | 'gateway') => {
      const text = settingsOf(specification, role);
      // What comes out can be read again, whole.
      parseSpecification(text, role);
      return parse(text) as Record<string, Record<string, unknown>>;
    };
    assert.deepEqual(Object.keys(settings('gateway')['listeners'] ?? {}), ['http', 'grpc', 'metrics']);
    assert.deepEqual(settings('gateway')['listeners']?.['http'], { host: '0.0.0.0', port: 80 });
    assert.equal(settings('control')['models'], undefined);
    assert.equal(settings('control')['orchestrator']?.['kind'], 'swarm');
  });
});

describe('what a specification names of the machine that it was written on', () => {
  test('files of either role', () => {
    const { specification } = orderOf(`
tls: { certificate: /tls/all.pem, key: /tls/all.key }
listeners: { control: { tls: { certificate: /tls/c.pem, key: /tls/c.key, clientCa: /tls/ca.pem } } }
store: { kind: postgres, url: "postgres://u@db.example/f?sslrootcert=/pg/ca.pem", passwordFile: /pg/password }
notifications: { channels: { ops: { kind: webhook, urlFrom: { file: /n/url } } } }
telemetry: { influx: [{ name: i, kind: v2, url: "http://i:8086", org: o, bucket: b, token: { file: /i/token } }] }
deployments:
  d: { model: m, scaling: { policy: keda, metrics: { q: { url: "http://p:9090", query: q, perReplica: 1, bearer: { file: /p/token } } } } }
`);
    assert.deepEqual(filesOfGateway(specification), ['/tls/all.key', '/tls/all.pem']);
    assert.deepEqual(filesOfControl(specification), [
      '/i/token',
      '/n/url',
      '/p/token',
      '/pg/ca.pem',
      '/pg/password',
      '/tls/all.key',
      '/tls/all.pem',
      '/tls/c.key',
      '/tls/c.pem',
      '/tls/ca.pem',
    ]);
    assert.deepEqual(hindrances(specification), []);
  });

  test('what is not to be had elsewhere is refused by its key', () => {
    const { specification } = orderOf(`
listeners: { http: { port: 0 } }
alerts: { webhooks: { grafana: { bearer: { env: TOKEN } } } }
torchserve: { modelStore: /mar }
requestLog: { folder: /var/log/flyball }
store: { kind: postgres, url: "postgres://u@localhost/f" }
`);
    const found = hindrances(specification).map((text) => text.split(':')[0]);
    assert.deepEqual(found, [
      'listeners.http.port',
      'alerts.webhooks.grafana.bearer.env',
      'torchserve.modelStore',
      'requestLog.folder',
      'store.url',
    ]);
  });
});
