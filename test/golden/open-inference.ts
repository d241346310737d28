/**
 * The Open Inference Protocol table against the whole platform: real processes, the real runtime, real sockets.
 * The models that the table asks for are built as ONNX files; two that no ONNX file can be (a fixed service time, text
 * of any length echoed) are simulated ones.
 */
import http from 'node:http';
import { startPlatform, until, type Platform } from '../support/platform.ts';
import { goldenModels } from '../fixtures/models.ts';
import { checkReply, knownFields, type Expected, type Reply } from './reply.ts';
import type { GoldenCase, NamedReason, Table, TableResult } from './table.ts';

interface Case extends GoldenCase {
  readonly model: string | null;
  readonly request: {
    readonly method: string;
    readonly path: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly bodyJson?: unknown;
    readonly bodyText?: string;
    readonly bodyBase64?: string;
  };
  readonly expected: Expected;
  readonly setup?: string;
}

const simulated = {
  slow_queue_1: {
    platform: 'simulated',
    batching: { sizeMax: 1 },
    simulated: {
      inputs: [{ name: 'INPUT0', datatype: 'FP32', shape: [1, 8] }],
      outputs: [{ name: 'OUTPUT0', datatype: 'FP32', shape: [1, 8] }],
      serviceMs: 1000,
    },
  },
  // The runtime's JavaScript binding has no bfloat16, so no ONNX file can take part; the protocol's side still can.
  identity_bf16: {
    platform: 'simulated',
    simulated: {
      inputs: [{ name: 'INPUT0', datatype: 'BF16', shape: [1, -1] }],
      outputs: [{ name: 'OUTPUT0', datatype: 'BF16', shape: [1, -1] }],
    },
  },
  echo_text: {
    platform: 'simulated',
    simulated: {
      inputs: [{ name: 'text_input', datatype: 'BYTES', shape: [1] }],
      outputs: [{ name: 'text_output', datatype: 'BYTES', shape: [1] }],
    },
  },
} as const;

/** Cases that need what this server honestly does not have, by a word of the request. */
function missing(golden: Case): string | undefined {
  const unknown = Object.keys(golden.expected).filter((field) => !knownFields.has(field));
  if (unknown.length > 0) return `expectation not known: ${unknown.join(', ')}`;
  if (golden.setup !== undefined && golden.setup !== 'one request already runs and one waits')
    return `set-up not known: ${golden.setup}`;
  const parameters = (golden.request.bodyJson as { parameters?: object } | undefined)?.parameters ?? {};
  if (golden.model === 'echo_text' && ('repetition' in parameters || 'fail_last' in parameters))
    return 'a model that answers several times a request is not offered';
  return undefined;
}

function bodyOf({ request }: Case): Buffer {
  if (request.bodyBase64 !== undefined) return Buffer.from(request.bodyBase64, 'base64');
  if (request.bodyText !== undefined) return Buffer.from(request.bodyText);
  return request.bodyJson === undefined ? Buffer.alloc(0) : Buffer.from(JSON.stringify(request.bodyJson));
}

async function send(base: string, golden: Case): Promise<Reply> {
  const body = bodyOf(golden);
  const { method, path, headers } = golden.request;
  const { hostname, port } = new URL(base);
  return new Promise((resolve, reject) => {
    // The path goes out as it stands: a URL object would normalise `..` away before the server sees it.
    const request = http.request(
      { hostname, port, method, path, headers: { ...headers, 'content-length': body.length }, agent: false },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers as Record<string, string>,
            body: Buffer.concat(chunks),
          }),
        );
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

async function queueState(platform: Platform, name: string): Promise<{ inFlight: number; queueLength: number }> {
  const { deployments } = await platform.status();
  const found = deployments.find((deployment) => deployment.name === name);
  if (found === undefined) throw new Error(`no deployment ${name}`);
  return found.load;
}

async function run(platform: Platform, golden: Case): Promise<void> {
  const before: Promise<Reply>[] = [];
  if (golden.setup !== undefined && golden.model !== null) {
    const { model } = golden;
    before.push(send(platform.http, golden), send(platform.http, golden));
    await until('one request to run and one to wait', async () => {
      const { inFlight, queueLength } = await queueState(platform, model);
      return queueLength === 1 && inFlight >= 1 ? true : undefined;
    });
  }
  const reply = await send(platform.http, golden);
  await Promise.all(before);
  checkReply(golden.expected, reply);
  if (golden.expected.serverStaysHealthy === true) {
    const health = await fetch(`${platform.http}/v2/health/live`);
    if (health.status !== 200) throw new Error(`after the case, /v2/health/live answers ${health.status}`);
  }
}

export async function runOpenInference(table: Table): Promise<TableResult> {
  const cases = table.cases as readonly Case[];
  const wanted = [...new Set(cases.map(({ model }) => model).filter((model) => model !== null))];
  const known = wanted.filter((model) => model in goldenModels || model in simulated);
  const files: Record<string, Uint8Array | string> = {};
  for (const model of known) {
    const build = goldenModels[model];
    if (build === undefined) files[`${model}/model.yaml`] = JSON.stringify(simulated[model as keyof typeof simulated]);
    else files[`${model}/1/model.onnx`] = build();
  }
  await using platform = await startPlatform({
    models: files,
    specification: {
      models: Object.fromEntries(known.map((model) => [model, { path: `./models/${model}` }])),
      deployments: Object.fromEntries(
        known.map((model) => [model, { model, ...(model === 'slow_queue_1' ? { queue: { lengthMax: 1 } } : {}) }]),
      ),
    },
  });
  await platform.serving();
  const passed: string[] = [];
  const failed: NamedReason[] = [];
  const skipped: NamedReason[] = [];
  for (const golden of cases) {
    const reason =
      golden.model !== null && !known.includes(golden.model) ? `no model ${golden.model}` : missing(golden);
    if (reason !== undefined) {
      skipped.push({ name: golden.name, reason });
      continue;
    }
    try {
      await run(platform, golden);
      passed.push(golden.name);
    } catch (error) {
      failed.push({
        name: golden.name,
        reason: error instanceof Error ? (error.message.split('\n', 1)[0] as string) : String(error),
      });
    }
  }
  return { passed, failed, skipped };
}
