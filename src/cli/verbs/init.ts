/**
 * `flyball init`: writes a commented specification to start from. It asks nothing and never overwrites what is there
 * unless told to.
 */
import { stat, writeFile } from 'node:fs/promises';
import { dirname, relative, resolve } from 'node:path';
import { namePattern } from '../../config/specification.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { modelName } from '../model-name.ts';

export async function run({ terminal, values, positionals }: Invocation): Promise<ExitCode> {
  const file = resolve(terminal.cwd, stringOption(values, 'file') ?? 'flyball.yaml');
  const model = positionals[0] === undefined ? undefined : resolve(terminal.cwd, positionals[0]);
  const name = stringOption(values, 'name') ?? (model === undefined ? 'my-model' : modelName(model));
  if (!namePattern.test(name))
    throw new UsageError(`${name} cannot be a name: 1 to 63 of a-z A-Z 0-9 . _ -`, 'give another with --name');
  if (model !== undefined) await mustExist(model);
  const path = model === undefined ? undefined : relative(dirname(file), model).replaceAll('\\', '/');
  const text = template(name, path === undefined || path.startsWith('.') ? path : `./${path}`);
  try {
    await writeFile(file, text, { flag: flag(values, 'force') ? 'w' : 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    throw new UsageError(`${file} is there already`, 'overwrite it with --force, or name another with --file');
  }
  terminal.stdout.write(`${file}\n`);
  const next = path === undefined ? 'name your model in it, then: flyball up' : 'serve it: flyball up';
  terminal.stderr.write(`  ${next}\n`);
  return exitCodes.done;
}

async function mustExist(path: string): Promise<void> {
  try {
    await stat(path);
  } catch {
    throw new UsageError(`there is no ${path}`, 'expected an .onnx file or a model folder');
  }
}

function template(name: string, path: string | undefined): string {
  const source =
    path === undefined
      ? `    # An .onnx file, or a folder laid out as a Triton model (1/model.onnx, 2/..., optional model.yaml).
    path: ./model.onnx`
      : `    path: ${JSON.stringify(path)}`;
  return `# What this platform serves. \`flyball up\` starts it, \`flyball plan\` shows what a change would do,
# \`flyball deploy\` makes it so. Every key: docs/configuration.md, or \`flyball explain KEY\`.
name: flyball

models:
  ${name}:
${source}
    # Names for versions; a deployment that serves ${name}@champion follows the alias.
    # aliases: { champion: 1 }

deployments:
  # The name in the path: /v2/models/${name} and /predictions/${name}.
  ${name}:
    model: ${name}
    replicas: { min: 1, max: 2 }
    # 99 of 100 answers within this many milliseconds.
    # slo: { p99Ms: 50 }
    # What a replica may use; cpu may be a fraction of a core.
    # resources: { cpu: 1, memory: 512MiB, threads: 1 }
    # More than this many waiting requests are refused at once.
    # queue: { lengthMax: 1024 }
    # For requests that bring no deadline of their own.
    # deadline: { defaultMs: 30000 }

# Loopback by default.
# listeners:
#   http: { port: 8000 }
#   grpc: { port: 8001 }
#   metrics: { port: 8002 }
#   control: { port: 8080 }
`;
}
