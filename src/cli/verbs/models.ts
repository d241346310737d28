/** `flyball models`: the registry from outside. Removing asks for the name on a terminal, and elsewhere for --yes. */
import type { KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import type { ModelView, OperationStep, VersionView } from '../../api/schemas.ts';
import { nearest } from '../../config/nearest.ts';
import { FlyballError } from '../../errors.ts';
import { isDeclared } from '../../protocol/tensor.ts';
import { finish } from '../apply.ts';
import { parseCount } from '../arguments.ts';
import { caller, connect } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { formatOf, print, table } from '../output.ts';
import { progressOn } from '../progress.ts';
import { symbolsOf, type Symbols, type TerminalStream } from '../terminal.ts';
import { byteSize, dateTime, shortDigest } from '../../units.ts';
import { columnsOf, cut } from '../wrap.ts';

type Action = (invocation: Invocation, client: ControlClient, words: readonly string[]) => Promise<ExitCode>;

const actions: Readonly<Record<string, Action>> = {
  list,
  show,
  add,
  alias,
  remove,
  sign: async (invocation, client, words) => (await import('./models-sign.ts')).sign(invocation, client, words),
  keygen: async (invocation, _client, words) => (await import('./models-sign.ts')).keygen(invocation, words),
};
const versionMax = 999_999_999;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const [name = 'list', ...words] = invocation.positionals;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action === undefined) {
    const [near] = nearest(name, Object.keys(actions));
    throw new UsageError(
      `models expects list, show, add, alias, remove, sign or keygen, got ${name}`,
      near === undefined ? `to see a model: flyball models show ${name}` : `did you mean models ${near}?`,
    );
  }
  return await action(invocation, connect(invocation), words);
}

function need(words: readonly string[], index: number, what: string, example: string): string {
  const word = words[index];
  if (word === undefined) throw new UsageError(`expected ${what}`, `for instance: ${example}`);
  return word;
}

async function list(
  { terminal, values, signal }: Invocation,
  client: ControlClient,
  words: readonly string[],
): Promise<ExitCode> {
  if (words[0] !== undefined)
    throw new UsageError(`models list does not take ${words[0]}`, `to see a model: flyball models show ${words[0]}`);
  const models = await client.models(signal);
  const symbols = symbolsOf(terminal.env);
  await print(terminal, formatOf(values), {
    data: models,
    items: models,
    names: () => models.map((model) => model.name),
    table: () =>
      models.length === 0
        ? 'No models. Add one: flyball models add NAME FILE\n'
        : listText(models, symbols, terminal.stdout),
  });
  return exitCodes.done;
}

function newest(model: ModelView): VersionView | undefined {
  return model.versions.reduce<VersionView | undefined>(
    (best, each) => (best === undefined || each.version > best.version ? each : best),
    undefined,
  );
}

function aliasesText(model: ModelView, version?: number): string {
  return Object.entries(model.aliases)
    .filter(([, target]) => version === undefined || target === version)
    .map(([alias, target]) => (version === undefined ? `@${alias}=${target}` : `@${alias}`))
    .join(' ');
}

function listText(models: readonly ModelView[], symbols: Symbols, stream: TerminalStream): string {
  const text = table(
    [
      { header: 'MODEL', cell: (model: ModelView) => model.name },
      { header: 'VERSIONS', align: 'right', cell: (model) => String(model.versions.length) },
      { header: 'NEWEST', align: 'right', cell: (model) => String(newest(model)?.version ?? symbols.dash) },
      { header: 'ALIASES', cell: (model) => aliasesText(model) || symbols.dash },
      { header: 'DIGEST', cell: (model) => shortDigest(newest(model)?.digest ?? symbols.dash, symbols.ellipsis) },
      { header: 'DESCRIPTION', cell: (model) => newest(model)?.description ?? '' },
    ],
    models,
  );
  // Only a terminal has an edge; whoever reads a pipe wants the whole description.
  if (!stream.isTTY) return text;
  return text
    .split('\n')
    .map((line) => cut(line, columnsOf(stream), symbols.ellipsis))
    .join('\n');
}

async function show(
  { terminal, values, signal }: Invocation,
  client: ControlClient,
  words: readonly string[],
): Promise<ExitCode> {
  const model = await client.model(need(words, 0, 'the name of a model', 'flyball models show digits'), signal);
  const { ellipsis } = symbolsOf(terminal.env);
  await print(terminal, formatOf(values), {
    data: model,
    items: model.versions,
    names: () => model.versions.map(({ version }) => `${model.name}:${version}`),
    table: () => showText(model, ellipsis),
  });
  return exitCodes.done;
}

function showText(model: ModelView, ellipsis: string): string {
  const spec = ({ name, datatype, shape }: VersionView['signature']['inputs'][number]): string =>
    `${name} ${datatype}[${shape.join(',')}]`;
  const rows = model.versions.toSorted((a, b) => b.version - a.version);
  const [first] = rows;
  const head = [
    `${model.name}${first?.description === undefined ? '' : `: ${first.description}`}`,
    ...(first === undefined
      ? []
      : !isDeclared(first.signature)
        ? ['  in and out as its server says']
        : [
            `  in   ${first.signature.inputs.map(spec).join(', ')}`,
            `  out  ${first.signature.outputs.map(spec).join(', ')}${first.signature.batchable ? '  (batches)' : ''}`,
          ]),
    '',
  ];
  const versions = table(
    [
      { header: 'VERSION', align: 'right', cell: (row: VersionView) => String(row.version) },
      { header: 'ALIASES', cell: (row) => aliasesText(model, row.version) },
      { header: 'DIGEST', cell: (row) => shortDigest(row.digest, ellipsis) },
      { header: 'SIZE', align: 'right', cell: (row) => byteSize(row.bytes) },
      { header: 'PLATFORM', cell: (row) => row.platform },
      { header: 'ADDED', cell: (row) => dateTime(row.createdAt) },
      { header: 'BY', cell: (row) => row.provenance.by },
      { header: 'FROM', cell: (row) => row.provenance.source },
      { header: 'SIGNED BY', cell: (row) => row.signers.map(signerText).join(', ') },
      { header: 'NOTE', cell: (row) => row.provenance.note ?? '' },
    ],
    rows,
  );
  return `${head.join('\n')}${versions}`;
}

/** `lab`, `ed25519:Zx3… (not trusted)`, `lab (not of this content)`. */
function signerText({ name, key, valid }: VersionView['signers'][number]): string {
  const who = name ?? `${key.slice(0, 16)}…`;
  return valid ? (name === undefined ? `${who} (not trusted)` : who) : `${who} (not of this content)`;
}

async function add(invocation: Invocation, client: ControlClient, words: readonly string[]): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const example = 'flyball models add digits digits.onnx';
  // An archive of TorchServe says its name itself.
  const isArchive = words.length === 1 && words[0]?.endsWith('.mar') === true;
  const path = resolve(
    terminal.cwd,
    need(words, isArchive ? 0 : 1, 'an .onnx file, a model folder or a .mar', example),
  );
  const name = isArchive ? await nameInArchive(path) : need(words, 0, 'the name of a model', example);
  const given = stringOption(values, 'version');
  const number = given === undefined ? undefined : parseCount(given, '--version', 1, versionMax);
  const { readLocalModel } = await import('../../registry/model-folder.ts');
  const { tellNotes, uploadVersion } = await import('../prepare.ts');
  const versions = await readLocalModel(path, undefined, signal);
  if (number !== undefined && versions.length > 1)
    throw new UsageError(`--version numbers one version, but ${path} holds ${versions.length}`);
  const keyFile = stringOption(values, 'sign-key');
  const signKey = keyFile === undefined ? undefined : await keyOf(resolve(terminal.cwd, keyFile));
  const origin = { by: caller(terminal.env), source: path, note: stringOption(values, 'note'), signKey };
  const added: VersionView[] = [];
  const progress = progressOn(terminal);
  tellNotes(name, versions, progress);
  for (const version of versions)
    added.push(await uploadVersion(client, name, version, number ?? version.version, origin, progress, signal));
  await print(terminal, formatOf(values), {
    data: added,
    items: added,
    names: () => added.map(({ version }) => `${name}:${version}`),
    table: () => added.map(({ version, digest }) => `${name}:${version}  ${digest}\n`).join(''),
  });
  return exitCodes.done;
}

async function nameInArchive(path: string): Promise<string> {
  const { readMar } = await import('../../imports/torchserve/read-mar.ts');
  return (await readMar(path)).manifest.modelName;
}

async function keyOf(path: string): Promise<KeyObject> {
  return (await import('../../registry/signing-keys.ts')).readPrivateKey(path);
}

async function alias(invocation: Invocation, client: ControlClient, words: readonly string[]): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const example = 'flyball models alias digits champion 7';
  const name = need(words, 0, 'the name of a model', example);
  const label = need(words, 1, 'an alias', example).replace(/^@/, '');
  const version = parseCount(need(words, 2, 'a version', example), 'VERSION', 1, versionMax);
  const started = await client.setAlias(name, label, version, caller(terminal.env), signal);
  const answer = `${name}@${label} is version ${version}`;
  const progress = progressOn(terminal);
  // The first step says in other words what is printed as the answer.
  const rest = { ...progress, step: (step: OperationStep) => (step.text === answer ? undefined : progress.step(step)) };
  const operation = await finish(client, started, { wait: true, timeoutMs: aliasMsMax }, rest, signal);
  await print(terminal, formatOf(values), {
    data: operation,
    names: () => [`${name}@${label}`],
    table: () => `${answer}\n`,
  });
  return exitCodes.done;
}

/** A deployment that follows the alias moves to the version; that is waited for. */
const aliasMsMax = 300_000;

async function remove(invocation: Invocation, client: ControlClient, words: readonly string[]): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  const name = need(words, 0, 'the name of a model', 'flyball models remove digits 3');
  const what = words[1];
  const by = caller(terminal.env);
  const subject = what === undefined ? name : what.startsWith('@') ? `${name}${what}` : `${name}:${what}`;
  if (!flag(values, 'yes')) await confirm(invocation, subject, what === undefined ? 'all its versions' : 'it');
  if (what === undefined) await client.removeModel(name, by, signal);
  else if (what.startsWith('@')) await client.removeAlias(name, what.slice(1), by, signal);
  else await client.removeVersion(name, parseCount(what, 'VERSION', 1, versionMax), by, signal);
  await print(terminal, formatOf(values), {
    data: { removed: subject },
    names: () => [subject],
    table: () => `removed ${subject}\n`,
  });
  return exitCodes.done;
}

/** Without a terminal there is nobody to ask. */
async function confirm({ terminal, signal }: Invocation, subject: string, what: string): Promise<void> {
  if (!terminal.stdout.isTTY) throw new UsageError(`removing ${subject} expects --yes where nobody can be asked`);
  terminal.stderr.write(`This removes ${what} for good. Type ${subject} to go on: `);
  let answer = '';
  for await (const chunk of terminal.stdin) {
    signal.throwIfAborted();
    answer += Buffer.from(chunk).toString('utf8');
    if (answer.includes('\n')) break;
  }
  if (answer.trim() !== subject)
    throw new FlyballError('CONFLICT', `nothing was removed: ${subject} was not confirmed`);
}
