/** `npm run image -- [--tar FILE] [--tag NAME:TAG] [--base IMAGE] [--push]`: the image of this checkout (docs/image.md). */
import { spawn } from 'node:child_process';
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { parseArgs } from 'node:util';
import { buildContext, buildImage } from './build.ts';

const usage = `usage: npm run image -- [--tar FILE] [--tag NAME:TAG] [--base IMAGE] [--push]
  without options       builds the image and loads it into Docker's daemon as flyball:VERSION
  --tar FILE            writes what docker load takes to FILE; no daemon is needed
  --tag NAME:TAG        another name, for instance of a registry
  --base IMAGE          on this image of a registry instead of on nothing; the daemon builds it
  --push                sends it to the registry that --tag names
`;

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      tar: { type: 'string' },
      tag: { type: 'string' },
      base: { type: 'string' },
      push: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const { tar, base, push } = values;
  if (values.help) return void process.stdout.write(usage);
  if (push && !(values.tag ?? '').includes('/'))
    throw new Error(`--push: expected --tag REGISTRY/NAME:TAG, came ${values.tag ?? 'none'}`);
  if (tar !== undefined && (base !== undefined || push))
    throw new Error('--tar: expected neither --base nor --push, which take a daemon');
  if (base !== undefined) await onBase(base, values.tag);
  else {
    const image = await buildImage();
    const tag = values.tag ?? image.tag;
    const size = `${Math.round(image.bytes / 1e6)} MB`;
    if (tar === undefined) {
      if ((await idOf(tag)) !== image.id) await docker(['load', '--quiet'], image.stream(tag));
      say(`${tag}  ${size}  ${image.id}`);
    } else {
      await image.writeTo(resolve(tar), tag);
      say(`${tar}  ${tag}  ${size}  ${image.id}  (archive ${Math.round(statSync(tar).size / 1e6)} MB)`);
    }
  }
  if (push) await docker(['push', values.tag as string]);
}

async function onBase(base: string, name: string | undefined): Promise<void> {
  const { context, buildArgs, tag } = await buildContext(base);
  const args = Object.entries(buildArgs).flatMap(([key, value]) => ['--build-arg', `${key}=${value}`]);
  await docker(['build', '--quiet', '--tag', name ?? tag, ...args, '-'], context);
  say(`${name ?? tag}  on ${base}  ${await idOf(name ?? tag)}`);
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

async function idOf(tag: string): Promise<string> {
  return await docker(['image', 'inspect', '--format', '{{.Id}}', tag], undefined, true).catch(() => 'none');
}

/** What the command printed. */
async function docker(args: readonly string[], input?: Readable, quiet = false): Promise<string> {
  const child = spawn('docker', args, {
    stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', quiet ? 'ignore' : 'inherit'],
  });
  const ended = Promise.withResolvers<number | null>();
  child.once('error', (cause) =>
    ended.reject(new Error(`expected the command docker, which could not be run (--tar FILE needs none)`, { cause })),
  );
  child.once('close', ended.resolve);
  let output = '';
  child.stdout?.on('data', (chunk: Buffer) => (output += chunk.toString()));
  // When docker ends early, what it says is the reason, and not that it no longer reads.
  const written =
    input === undefined || child.stdin === null ? undefined : pipeline(input, child.stdin).catch(() => {});
  const code = await ended.promise;
  await written;
  if (code !== 0) throw new Error(`docker ${args[0]} ended with ${code}; without a daemon: --tar FILE`);
  return output.trim();
}

try {
  await main();
} catch (error) {
  process.stderr.write(`image: ${(error as Error).message}\n`);
  process.exitCode = 1;
}
