/**
 * The web console's files, as they were built into console/dist beside this software. No key is asked for them: they
 * are the same for everybody and hold no data. Every path that the console may show is answered with its page.
 * Invariant: no file is opened by a name that came over the network.
 */
import { stat } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyReply } from 'fastify';
import { FlyballError } from '../../errors.ts';
import { encodingFor, readFolder, type ConsoleFile } from './folder.ts';
import { pageHeaders } from './headers.ts';
import { isReserved, toConsolePath } from './path.ts';

export interface ConsoleFiles {
  /** Answers a request that no route takes, and says whether it has: false where it is not the console's. NOT_FOUND. */
  serve(request: IncomingMessage, reply: FastifyReply): Promise<boolean>;
}

/** In a checkout and in the package alike: beside src/, and beside dist/. */
const builtFolder = fileURLToPath(new URL('../../../console/dist', import.meta.url));
/** A build that is made anew while the platform runs is seen after so long. */
const lookAgainMs = 1000;

const missingPage = `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Flyball: the console is not built</title>
<h1>The console is not built</h1>
<p>This is the control API of Flyball. In a checkout its web console is built once with <code>npm run console</code>,
after which this page shows it. The published package has it built.</p>
<p><a href="/api/v1/openapi.json">The API's description</a></p>
</html>
`;

export function openConsoleFiles(folder: string = builtFolder): ConsoleFiles {
  let held: { readonly builtMs: number; readonly files: ReadonlyMap<string, ConsoleFile> | undefined } | undefined;
  let lookedMs = Number.NEGATIVE_INFINITY;
  let reading: Promise<ReadonlyMap<string, ConsoleFile> | undefined> | undefined;

  async function read(): Promise<ReadonlyMap<string, ConsoleFile> | undefined> {
    const builtMs = await stat(join(folder, 'index.html')).then(
      ({ mtimeMs }) => mtimeMs,
      () => 0,
    );
    if (held === undefined || held.builtMs !== builtMs) held = { builtMs, files: await readFolder(folder) };
    lookedMs = performance.now();
    return held.files;
  }

  async function files(): Promise<ReadonlyMap<string, ConsoleFile> | undefined> {
    if (held !== undefined && performance.now() - lookedMs < lookAgainMs) return held.files;
    reading ??= read().finally(() => (reading = undefined));
    return reading;
  }

  return {
    async serve(request, reply) {
      const { method, url = '', headers } = request;
      if ((method !== 'GET' && method !== 'HEAD') || isReserved(url)) return false;
      const path = toConsolePath(url);
      if (path.kind === 'trick') return false;
      const found = await files();
      const named = found?.get(path.name);
      const isAsset = path.name.startsWith('assets/');
      const wantsPage = path.name === '' || headers.accept?.includes('text/html') === true;
      if (named === undefined && !isAsset && !wantsPage) return false;
      // A page of an older build asks for what is gone: a script that is a page would only confuse it.
      if (named === undefined && isAsset) throw new FlyballError('NOT_FOUND', `the console has no file ${path.name}`);
      for (const [name, value] of Object.entries(pageHeaders)) void reply.header(name, value);
      const file = named ?? found?.get('index.html');
      if (file !== undefined) {
        await send(file, request, reply);
        return true;
      }
      void reply.code(503).header('content-type', 'text/html; charset=utf-8').header('cache-control', 'no-store');
      await reply.send(method === 'HEAD' ? '' : missingPage);
      return true;
    },
  };
}

async function send(file: ConsoleFile, { method, headers }: IncomingMessage, reply: FastifyReply): Promise<void> {
  const encoding = encodingFor(headers['accept-encoding']?.toString(), file.type);
  const etag = encoding === 'identity' ? file.etag : file.etag.replace(/"$/, `-${encoding}"`);
  void reply
    .header('vary', 'accept-encoding')
    .header('etag', etag)
    .header('cache-control', file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache');
  if (headers['if-none-match'] === etag) {
    await reply.code(304).send();
    return;
  }
  const bytes = await file.bytes(encoding);
  void reply.code(200).header('content-type', file.type).header('content-length', bytes.length);
  if (encoding !== 'identity') void reply.header('content-encoding', encoding);
  await (method === 'HEAD' ? reply.send() : reply.send(bytes));
}
