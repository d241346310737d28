/** Verbs of the command line run in this process: against a control that is fake, and with files to name. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { main } from '../cli/main.ts';
import { deploymentNamed, startFakeControl, versionNamed, type FakeControl } from './fake-control.ts';
import { stringTerminal, type StringTerminalOptions } from './string-terminal.ts';

export interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** `fake`: the control that it finds; undefined for none. */
export async function flyball(
  fake: FakeControl | undefined,
  args: string[],
  options: StringTerminalOptions = {},
): Promise<Ran> {
  const url: Record<string, string> = fake === undefined ? {} : { FLYBALL_URL: fake.url };
  const terminal = stringTerminal({ ...options, env: { ...url, ...options.env } });
  const code = await main(args, terminal);
  return { code, out: terminal.out(), err: terminal.err() };
}

export interface VerbFiles extends AsyncDisposable {
  readonly folder: string;
  readonly modelPath: string;
  /** Of one deployment of that model. */
  readonly specificationPath: string;
}

export async function openVerbFiles(): Promise<VerbFiles> {
  const folder = await mkdtemp(join(tmpdir(), 'flyball-cli-'));
  const modelPath = join(folder, 'tiny.onnx');
  await writeFile(modelPath, 'not read here: the fake does not look inside');
  const specificationPath = join(folder, 'spec.yaml');
  await writeFile(
    specificationPath,
    'models: { tiny: { path: ./tiny.onnx } }\ndeployments: { tiny: { model: tiny, replicas: { min: 1, max: 2 } } }\n',
  );
  return {
    folder,
    modelPath,
    specificationPath,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** A control that serves digits. */
export async function withDigits(): Promise<FakeControl> {
  const fake = await startFakeControl();
  fake.deployments.set('digits', deploymentNamed('digits'));
  fake.models.set('digits', {
    name: 'digits',
    versions: [versionNamed(7, `sha256:${'4b'.repeat(32)}`)],
    aliases: { champion: 7 },
  });
  return fake;
}
