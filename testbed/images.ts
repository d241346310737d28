/** Puts images onto nodes, which have no registry: from files that `docker save` has made, or from another engine. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import type Docker from 'dockerode';
import { engineAt } from './engine.ts';

/** A file, or a tag at the engine that listens at a Unix socket. */
export type ImageSource =
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'engine'; readonly tag: string; readonly socketPath: string };

const transferMs = 600_000;

/** The image as a file; from another engine it is saved once, into `folder`. */
async function fileOf(source: ImageSource, folder: string): Promise<string> {
  if (source.kind === 'file') {
    if (!existsSync(source.path)) throw new Error(`expected an image's file at ${source.path}, there is none`);
    return source.path;
  }
  const engine = engineAt(source.socketPath, transferMs);
  const { Id } = await engine.getImage(source.tag).inspect();
  const path = `${folder}/${createHash('sha256').update(`${source.tag} ${Id}`).digest('hex').slice(0, 16)}.tar`;
  if (existsSync(path)) return path;
  mkdirSync(folder, { recursive: true });
  const partial = `${path}.partial`;
  await pipeline(await engine.getImage(source.tag).get(), createWriteStream(partial));
  renameSync(partial, path);
  return path;
}

/** Loads images onto engines, all at once; `folder` keeps what comes from another engine. */
export async function loadImages(
  sources: readonly ImageSource[],
  socketPaths: readonly string[],
  folder: string,
): Promise<void> {
  for (const source of sources) {
    const path = await fileOf(source, folder);
    await Promise.all(socketPaths.map((socketPath) => load(engineAt(socketPath, transferMs), path)));
  }
}

async function load(engine: Docker, path: string): Promise<void> {
  const progress = await engine.loadImage(createReadStream(path), { quiet: true });
  // The answer is 200 in any case: what went wrong is in what follows.
  await new Promise<void>((resolve, reject) => {
    engine.modem.followProgress(progress, (error: Error | null, output: readonly { readonly error?: string }[]) => {
      const message = error?.message ?? output.find((line) => line.error !== undefined)?.error;
      if (message === undefined) resolve();
      else reject(new Error(`${path} could not be loaded: ${message}`));
    });
  });
}
