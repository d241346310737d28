/**
 * `flyball models keygen` and `flyball models sign`: who vouches for a version. Signing local files needs no server and
 * leaves `signatures.json` beside them; signing NAME VERSION vouches for what the server says that it has.
 */
import { resolve } from 'node:path';
import { namePattern } from '../../config/specification.ts';
import { makeKeyFile, publicKeyText, readPrivateKey } from '../../registry/signing-keys.ts';
import { signVersion } from '../../registry/signing.ts';
import { parseCount } from '../arguments.ts';
import { caller } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { modelName } from '../model-name.ts';
import { formatOf, print } from '../output.ts';
import { shortDigest } from '../../units.ts';

const versionMax = 999_999_999;

export async function keygen({ terminal, values }: Invocation, words: readonly string[]): Promise<ExitCode> {
  const [file] = words;
  if (file === undefined)
    throw new UsageError('expected a file for the key', 'for instance: flyball models keygen team.pem');
  const path = resolve(terminal.cwd, file);
  const publicKey = makeKeyFile(path);
  await print(terminal, formatOf(values), {
    data: { file: path, publicKey },
    names: () => [publicKey],
    table: () => `${publicKey}\n`,
  });
  terminal.stderr.write(`  ${path} holds the private key: keep it where models are made, not where they are served\n`);
  terminal.stderr.write('  trust it with registry.trustedKeys: { NAME: the line above }\n');
  return exitCodes.done;
}

export async function sign(invocation: Invocation, client: ControlClient, words: readonly string[]): Promise<ExitCode> {
  const { terminal, values } = invocation;
  const [first, second] = words;
  const keyFile = stringOption(values, 'sign-key');
  if (first === undefined || keyFile === undefined) {
    throw new UsageError(
      'models sign expects what to sign and --sign-key FILE',
      'for instance: flyball models sign ./digits --sign-key team.pem',
    );
  }
  const key = readPrivateKey(resolve(terminal.cwd, keyFile));
  if (second !== undefined) {
    const number = parseCount(second, 'VERSION', 1, versionMax);
    return await signThere(invocation, client, first, number, key);
  }
  const path = resolve(terminal.cwd, first);
  const name = stringOption(values, 'name') ?? modelName(path);
  if (!namePattern.test(name))
    throw new UsageError(`${name} cannot be a name`, 'give the one it is to have with --name');
  const { readLocalModel } = await import('../../registry/model-folder.ts');
  const { signBeside } = await import('../model-signatures.ts');
  const { file, signed } = await signBeside(path, name, await readLocalModel(path, undefined, invocation.signal), key);
  const by = publicKeyText(key);
  await print(terminal, formatOf(values), {
    data: { file, model: name, key: by, signed },
    names: () => signed.map((digest) => `${name} ${digest}`),
    table: () => signed.map((digest) => `${name}  ${digest}  signed by ${by}\n`).join(''),
  });
  terminal.stderr.write(`  kept in ${file}; \`models add\`, \`deploy\` and \`up\` send it along\n`);
  return exitCodes.done;
}

async function signThere(
  { terminal, values, signal }: Invocation,
  client: ControlClient,
  name: string,
  number: number,
  key: ReturnType<typeof readPrivateKey>,
): Promise<ExitCode> {
  const found = (await client.model(name, signal)).versions.find(({ version }) => version === number);
  if (found === undefined) throw new UsageError(`${name} has no version ${number}`, `flyball models show ${name}`);
  const { digest, content } = found;
  const signature = signVersion({ model: name, digest, ...content }, number, key);
  const view = await client.signVersion(name, number, { signatures: [signature], by: caller(terminal.env) }, signal);
  await print(terminal, formatOf(values), {
    data: view,
    names: () => [`${name}:${number}`],
    table: () => `${name}:${number}  ${shortDigest(digest, '…')}  signed by ${publicKeyText(key)}\n`,
  });
  return exitCodes.done;
}
