/**
 * How each server that serving is compared with is started: as its documentation says, with two workers of one thread on
 * the same model files. Installed by install.sh beside this file.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface Place {
  /** Of the installed program. */
  readonly program: string;
  /** `NAME/1/model.onnx` below it. */
  readonly models: string;
  readonly port: number;
  /** Other ports, for servers that open more than one listener whatever they are told. */
  readonly spare: readonly number[];
  /** Its own, empty. */
  readonly folder: string;
}

export interface PeerKind {
  readonly name: string;
  /** What must be there, below the folder of the installed peers. */
  readonly program: string;
  /** Where it takes the tiny model's JSON. */
  readonly tinyPath: string;
  /** See {@link import('../h2load.ts').Load}. */
  readonly wordless?: boolean;
  /** Where it takes a JPEG for ResNet-18. */
  readonly jpegPath?: string;
  start(place: Place): ChildProcess;
}

const here = fileURLToPath(new URL('.', import.meta.url));
const inferPath = '/v2/models/tiny/infer';

function launch(
  command: string,
  args: readonly string[],
  cwd: string,
  env: Readonly<Record<string, string>>,
): ChildProcess {
  const stdio = ['ignore', 'ignore', 'pipe'] as const;
  return spawn(command, args, { cwd, env: { ...process.env, ...env }, stdio: [...stdio], detached: true });
}

const fastApiArguments =
  'fastapi_server:app --workers 2 --loop uvloop --http httptools --no-access-log --log-level warning';

function startMlServer({ program, models, port, folder, spare }: Place): ChildProcess {
  const settings = {
    host: '127.0.0.1',
    http_port: port,
    grpc_port: spare[0],
    metrics_port: spare[1],
    metrics_endpoint: null,
    parallel_workers: 2,
    debug: false,
  };
  mkdirSync(join(folder, 'tiny'), { recursive: true });
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  const model = {
    name: 'tiny',
    implementation: 'mlserver_runtime.OnnxModel',
    max_batch_size: 16,
    max_batch_time: 0.001,
    parameters: { uri: join(models, 'tiny', '1', 'model.onnx') },
  };
  writeFileSync(join(folder, 'tiny', 'model-settings.json'), JSON.stringify(model));
  return launch(program, ['start', folder], folder, { PYTHONPATH: here });
}

/** Batches of up to eight that wait for company for at most 5 ms. */
const torchServeBatching = { batchSize: 8, maxBatchDelay: 5, responseTimeout: 120 };

function startTorchServe({ program, models, port, folder, spare }: Place): ChildProcess {
  const store = join(folder, 'store');
  const described: Record<string, unknown> = {};
  for (const name of ['tiny', 'resnet18']) {
    mkdirSync(join(store, name, 'MAR-INF'), { recursive: true });
    const model = { modelName: name, serializedFile: 'model.onnx', handler: 'handler.py', modelVersion: '1.0' };
    writeFileSync(
      join(store, name, 'MAR-INF', 'MANIFEST.json'),
      JSON.stringify({ runtime: 'python', model, archiverVersion: '0.12.0' }),
    );
    symlinkSync(join(models, name, '1', 'model.onnx'), join(store, name, 'model.onnx'));
    symlinkSync(join(here, 'torchserve', 'handler.py'), join(store, name, 'handler.py'));
    described[name] = {
      '1.0': { defaultVersion: true, marName: name, minWorkers: 2, maxWorkers: 2, ...torchServeBatching },
    };
  }
  const [management, metrics, grpc, grpcManagement] = spare;
  const lines = [
    `inference_address=http://127.0.0.1:${port}`,
    `management_address=http://127.0.0.1:${management}`,
    `metrics_address=http://127.0.0.1:${metrics}`,
    `grpc_inference_port=${grpc}`,
    `grpc_management_port=${grpcManagement}`,
    'disable_token_authorization=true',
    `model_store=${store}`,
    `models=${JSON.stringify(described)}`,
    'load_models=tiny,resnet18',
    'enable_envvars_config=false',
    'job_queue_size=1000',
  ];
  const config = join(folder, 'config.properties');
  writeFileSync(config, `${lines.join('\n')}\n`);
  return launch(
    program,
    ['--start', '--foreground', '--model-store', store, '--ts-config', config, '--disable-token-auth'],
    folder,
    {
      PYTHONPATH: join(here, 'torchserve'),
      LOG_LOCATION: folder,
      METRICS_LOCATION: folder,
      PATH: `${join(program, '..')}:${process.env['PATH'] ?? ''}`,
    },
  );
}

export const kinds: readonly PeerKind[] = [
  {
    name: 'FastAPI',
    program: 'fastapi/bin/uvicorn',
    tinyPath: inferPath,
    jpegPath: '/predictions/resnet18',
    start: ({ program, models, port }) =>
      launch(program, [...fastApiArguments.split(' '), '--port', String(port)], here, { MODELS: models }),
  },
  { name: 'MLServer', program: 'mlserver/bin/mlserver', tinyPath: inferPath, start: startMlServer },
  {
    name: 'TorchServe',
    program: 'torchserve/bin/torchserve',
    tinyPath: '/predictions/tiny',
    jpegPath: '/predictions/resnet18',
    wordless: true,
    start: startTorchServe,
  },
  {
    name: 'PyTriton',
    program: 'pytriton/bin/python',
    tinyPath: inferPath,
    start: ({ program, models, port, spare }) =>
      launch(program, ['pytriton_server.py'], here, {
        MODELS: models,
        PORT: String(port),
        GRPC_PORT: String(spare[0]),
        METRICS_PORT: String(spare[1]),
      }),
  },
  {
    name: 'LitServe',
    program: 'litserve/bin/python',
    tinyPath: inferPath,
    start: ({ program, models, port }) =>
      launch(program, ['litserve_server.py'], here, { MODELS: models, PORT: String(port) }),
  },
  {
    name: 'BentoML',
    program: 'bentoml/bin/bentoml',
    tinyPath: inferPath,
    start: ({ program, models, port }) =>
      launch(program, ['serve', 'bentoml_service:Tiny', '--host', '127.0.0.1', '--port', String(port)], here, {
        MODELS: models,
        BENTOML_DO_NOT_TRACK: 'True',
      }),
  },
  {
    name: 'Ray Serve',
    program: 'ray/bin/python',
    tinyPath: inferPath,
    start: ({ program, models, port }) =>
      launch(program, ['ray_service.py'], here, { MODELS: models, PORT: String(port), RAY_USAGE_STATS_ENABLED: '0' }),
  },
];
