/**
 * `flyball runner`: what a replica runs. With --launch it is a replica under control's orders; with a file it serves
 * that file alone over the Open Inference Protocol, which is how one looks at a model without a platform around it.
 */
import { stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { RunnerLaunch } from '../../runner/launch.ts';
import { parseCount } from '../arguments.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { modelName } from '../model-name.ts';

export async function run({ terminal, values, positionals }: Invocation): Promise<ExitCode> {
  // Before the runtime is loaded: it reads this at its start.
  process.env['ORT_DISABLE_TELEMETRY'] = '1';
  const launchText = stringOption(values, 'launch');
  const taskPath = stringOption(values, 'task');
  const [file] = positionals;
  if ([launchText, taskPath, file].filter((given) => given !== undefined).length !== 1)
    throw new UsageError(
      'runner expects a model file, --launch or --task, one of them',
      'flyball runner model.onnx --port 9000',
    );
  if (taskPath !== undefined) {
    const { runTask } = await import('../../runner/task.ts');
    return codeOf(await runTask(taskPath, process.env));
  }
  const { parseLaunch, runRunner } = await import('../../runner/process.ts');
  if (launchText !== undefined) return codeOf(await runRunner(await parseLaunch(launchText)));
  const host = stringOption(values, 'host') ?? '127.0.0.1';
  const port = parseCount(stringOption(values, 'port') ?? '9000', '--port', 0, 65_535);
  const threads = parseCount(stringOption(values, 'threads') ?? '1', '--threads', 1, 256);
  const launch = await launchOf(resolve(terminal.cwd, file ?? ''), { host, port, threads });
  const onListening = (url: string): void =>
    terminal.stderr.write(
      `  ${launch.model} loads; it will answer at ${url}/v2/models/${launch.model}; Ctrl-C stops it\n`,
    );
  return codeOf(await runRunner(launch, onListening));
}

function codeOf(code: number): ExitCode {
  return code === 0 ? exitCodes.done : exitCodes.failed;
}

async function launchOf(
  path: string,
  { host, port, threads }: { readonly host: string; readonly port: number; readonly threads: number },
): Promise<RunnerLaunch> {
  const found = await stat(path).catch(() => {
    throw new UsageError(`there is no ${path}`, 'expected an .onnx file');
  });
  if (!found.isFile()) throw new UsageError(`${path} is a folder`, 'expected an .onnx file');
  const { digestOfFile } = await import('../../registry/digest.ts');
  const model = modelName(path);
  return {
    replica: `${model}-alone`,
    model,
    version: '1',
    digest: await digestOfFile(path),
    runtime: { kind: 'onnx', path, threads, spinning: false, graphOptimisation: 'all', memoryArena: true },
    warmUp: { batchSizes: [1], budgetMs: 1000, samples: [] },
    listen: { kind: 'unix', path: join(tmpdir(), `flyball-runner-${process.pid}.sock`) },
    http: { host, port },
  };
}
