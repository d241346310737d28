/**
 * A control API in memory on a real socket, for tests of the command line: it keeps artefacts, versions, aliases and
 * deployments, checks what it is sent against the API's own schemas, and lets operations take as many steps as told.
 * It serves inference only as an echo, and decides nothing.
 */
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toProblem } from '../api/problems.ts';
import {
  alertsQuery,
  aliasRequest,
  applyRequest,
  deployRequest,
  journalQuery,
  resolvedSpecification,
  scaleRequest,
  shutdownRequest,
  type AlertsView,
  type DeploymentView,
  type JournalEntryView,
  type ModelView,
  type OperationView,
  type PlanView,
  type StatusView,
  type VersionView,
} from '../api/schemas.ts';
import { FlyballError, type ErrorCode } from '../errors.ts';

export interface FakeControl extends AsyncDisposable {
  readonly url: string;
  readonly requests: string[];
  readonly headers: IncomingMessage['headers'][];
  readonly artefacts: Map<string, Buffer>;
  readonly models: Map<string, ModelView>;
  readonly deployments: Map<string, DeploymentView>;
  overrides: StatusView['overrides'];
  warnings: string[];
  /** Of the next answers to `plan`. */
  plan: PlanView;
  /** Error that the next operations end with. */
  operationError: { readonly code: ErrorCode; readonly detail: string } | undefined;
  /** What has happened, oldest first. */
  journal: readonly JournalEntryView[];
  alerts: AlertsView;
  /** In place of what it would say, by method and path below /api/v1: `GET deployments/digits/series`. */
  readonly answers: Map<string, (query: URLSearchParams, body: unknown) => unknown>;
  /** Operations never end. */
  stuck: boolean;
  /** Error with which every request is answered. */
  refusal: FlyballError | undefined;
  dataDirectory: string;
  isDown: () => boolean;
}

const at = Date.UTC(2026, 10, 23, 14, 5, 7);

export function deploymentNamed(name: string, more: Partial<DeploymentView> = {}): DeploymentView {
  return {
    name,
    model: `${name}@champion`,
    serving: '7',
    target: '7',
    state: 'serving',
    desired: 1,
    min: 1,
    max: 4,
    counts: { starting: 0, ready: 1, serving: 1, draining: 0, failed: 0 },
    replicas: [
      {
        id: `${name}-1`,
        deployment: name,
        version: '7',
        state: 'ready',
        where: 'pid 4711',
        startedAt: at - 60_000,
        readyAfterMs: 812,
        limits: 'none',
      },
    ],
    load: {
      requestsPerSecond: 312,
      inFlight: 3,
      queueLength: 2,
      p50Ms: 4.2,
      p99Ms: 38,
      errorsPerSecond: 0,
      shedPerSecond: 0,
      batchSizeCap: 8,
      ageMs: 400,
    },
    sloP99Ms: 50,
    sloAvailability: 0.999,
    ...more,
  };
}

export function versionNamed(version: number, digest: string, bytes = 121_000): VersionView {
  return {
    version,
    digest,
    bytes,
    createdAt: at,
    platform: 'onnxruntime_onnx',
    signature: {
      inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 4] }],
      outputs: [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }],
      batchable: true,
    },
    labels: {},
    provenance: { source: './digits', by: 'ada' },
    content: { settings: 'sha256:settings', assets: {} },
    signers: [],
  };
}

export async function startFakeControl(): Promise<FakeControl> {
  let down = false;
  let operations = 0;
  const running = new Map<string, OperationView>();
  const server = createServer((request, response) => void answer(request, response));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const fake: FakeControl = {
    url,
    requests: [],
    headers: [],
    artefacts: new Map(),
    models: new Map(),
    deployments: new Map(),
    overrides: [],
    warnings: [],
    plan: { fingerprint: '4be1c0d2a9f0', changes: [], overridesDropped: [] },
    operationError: undefined,
    journal: [],
    alerts: { alerts: [], actions: [] },
    answers: new Map(),
    stuck: false,
    refusal: undefined,
    dataDirectory: '/nowhere/data',
    isDown: () => down,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };

  function begin(kind: OperationView['kind'], subject: string, by: string): OperationView {
    const id = `op-${++operations}`;
    const step = { text: `${subject}: replica loads`, state: 'running' as const, startedAt: at };
    const operation: OperationView = { id, kind, subject, state: 'running', by, startedAt: at, steps: [step] };
    running.set(id, operation);
    return operation;
  }

  function look(id: string): OperationView {
    const operation = running.get(id);
    if (operation === undefined) throw new FlyballError('OPERATION_NOT_FOUND', `there is no operation ${id}`);
    if (fake.stuck) return operation;
    const failed = fake.operationError;
    const steps = operation.steps.map((step) => ({
      ...step,
      state: failed === undefined ? ('ok' as const) : ('failed' as const),
      durationMs: 1100,
    }));
    if (failed === undefined) return { ...operation, steps, state: 'succeeded', endedAt: at };
    const error = toProblem(new FlyballError(failed.code, failed.detail));
    return { ...operation, steps, state: 'failed', endedAt: at, error };
  }

  function status(): StatusView {
    return {
      name: 'lab',
      flyball: '0.1.0',
      at,
      startedAt: at - 3_600_000,
      dataDirectory: fake.dataDirectory,
      listeners: { http: { url }, control: { url } },
      gateways: [],
      deployments: [...fake.deployments.values()],
      overrides: fake.overrides,
      warnings: fake.warnings,
    };
  }

  function modelOf(name: string): ModelView {
    const model = fake.models.get(name);
    if (model === undefined) throw new FlyballError('MODEL_NOT_FOUND', `no model is called ${name}`);
    return model;
  }

  function addVersion(name: string, query: URLSearchParams): VersionView {
    const digest = query.get('digest') ?? '';
    if (!fake.artefacts.has(digest)) throw new FlyballError('ARTEFACT_NOT_FOUND', `there is no artefact ${digest}`);
    const model = fake.models.get(name) ?? { name, versions: [], aliases: {} };
    const number = Number(query.get('version') ?? model.versions.length + 1);
    const version = versionNamed(number, digest, fake.artefacts.get(digest)?.length ?? 0);
    fake.models.set(name, { ...model, versions: [...model.versions, version] });
    return version;
  }

  function handle(method: string, path: string, query: URLSearchParams, body: Buffer): unknown {
    const json = (): unknown => JSON.parse(body.toString('utf8'));
    const own = fake.answers.get(`${method} ${path}`);
    if (own !== undefined) return own(query, body.length === 0 ? undefined : json());
    const [head, name = '', section, last = ''] = path.split('/').map(decodeURIComponent);
    const route = `${method} ${head}${section === undefined ? '' : `/${section}`}`;
    switch (route) {
      case 'GET status':
        return status();
      case 'POST plan':
        resolvedSpecification.parse(json());
        return fake.plan;
      case 'PUT specification': {
        const { by, resolved } = applyRequest.parse(json());
        for (const each of Object.keys(resolved.specification.deployments))
          fake.deployments.set(each, deploymentNamed(each));
        return begin('apply', 'specification', by);
      }
      case 'GET models':
        return name === '' ? [...fake.models.values()] : modelOf(name);
      case 'POST models/versions':
        return addVersion(name, query);
      case 'PUT models/aliases': {
        const { version, by } = aliasRequest.parse(json());
        const model = modelOf(name);
        fake.models.set(name, { ...model, aliases: { ...model.aliases, [last]: version } });
        return begin('alias', `${name}@${last}`, by);
      }
      case 'DELETE models':
        modelOf(name);
        fake.models.delete(name);
        return undefined;
      case 'DELETE models/versions':
      case 'DELETE models/aliases':
        modelOf(name);
        return undefined;
      case 'HEAD artefacts':
        if (!fake.artefacts.has(name)) throw new FlyballError('ARTEFACT_NOT_FOUND', `there is no artefact ${name}`);
        return undefined;
      case 'PUT artefacts': {
        const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
        if (digest !== name) throw new FlyballError('DIGEST_MISMATCH', `expected ${name}, got ${digest}`);
        fake.artefacts.set(name, body);
        return { digest, bytes: body.length };
      }
      case 'PUT deployments': {
        const { by } = deployRequest.parse(json());
        fake.deployments.set(name, deploymentNamed(name));
        return begin('deploy', name, by);
      }
      case 'POST deployments/scale': {
        const { replicas, by } = scaleRequest.parse(json());
        const deployment = fake.deployments.get(name);
        if (deployment === undefined)
          throw new FlyballError('DEPLOYMENT_NOT_FOUND', `there is no deployment ${name}; there are digits`);
        const counts = { starting: 0, ready: replicas, serving: replicas, draining: 0, failed: 0 };
        fake.deployments.set(name, { ...deployment, desired: replicas, counts });
        return begin('scale', name, by);
      }
      case 'GET deployments':
        return fake.deployments.get(name);
      case 'GET alerts':
        alertsQuery.parse(Object.fromEntries(query));
        return fake.alerts;
      case 'GET journal': {
        if (name === 'verify') return { entries: fake.journal.length, last: { id: 0, hash: '' } };
        if (name !== '') return fake.journal.find(({ id }) => id === Number(name));
        const { after = 0, limit, order, subject, kind } = journalQuery.parse(Object.fromEntries(query));
        const fitting = fake.journal.filter(
          (entry) =>
            entry.id > after && (subject ?? entry.subject) === entry.subject && (kind ?? entry.kind) === entry.kind,
        );
        return order === 'newest' ? fitting.toReversed().slice(0, limit) : fitting.slice(0, limit);
      }
      case 'GET operations':
        return look(name);
      case 'POST shutdown':
        shutdownRequest.parse(json());
        down = true;
        server.close();
        setImmediate(() => server.closeAllConnections());
        return {};
      default:
        throw new FlyballError('NOT_FOUND', `there is nothing at ${route}`);
    }
  }

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const { pathname, searchParams } = new URL(request.url ?? '/', url);
    fake.requests.push(`${request.method} ${pathname}`);
    fake.headers.push(request.headers);
    try {
      if (fake.refusal !== undefined) throw fake.refusal;
      if (!pathname.startsWith('/api/v1/')) {
        infer(pathname, body, response);
        return;
      }
      const value = handle(request.method ?? '', pathname.slice('/api/v1/'.length), searchParams, body);
      response.writeHead(value === undefined ? 204 : 200, { 'content-type': 'application/json' });
      response.end(value === undefined ? undefined : JSON.stringify(value));
    } catch (thrown) {
      const error = thrown instanceof FlyballError ? thrown : new FlyballError('INVALID_REQUEST', String(thrown));
      response.writeHead(error.status, { 'content-type': 'application/problem+json' });
      response.end(JSON.stringify(toProblem(error)));
    }
  }

  return fake;
}

/** The inference side: a pipeline's answer, the metadata of {@link versionNamed}, and a V2 answer of zeros. */
function infer(path: string, body: Buffer, response: ServerResponse): void {
  const send = (status: number, value: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(value));
  };
  if (path.startsWith('/predictions/')) {
    if (body.toString('latin1').includes('broken'))
      send(400, { error: 'expected a PNG, got something broken', code: 'INVALID_IMAGE' });
    else
      send(200, [
        { label: 'seven', index: 7, score: 0.98 },
        { label: 'one', index: 1, score: 0.01 },
      ]);
  } else if (path.endsWith('/infer')) {
    const outputs = [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [0, 1.5] }];
    send(200, { model_name: 'digits', model_version: '7', outputs });
  } else {
    const { signature, platform } = versionNamed(7, '');
    send(200, { name: 'digits', versions: ['7'], platform, inputs: signature.inputs, outputs: signature.outputs });
  }
}
