/** The one folder of the operator's that archives come from, by their bare names; nothing is fetched from anywhere. */
import { realpath, stat } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { FlyballError } from '../../errors.ts';

/** Where the archive of that name is. INVALID_REQUEST for anything but a name in the folder, MODEL_NOT_FOUND. */
export async function archivePath(modelStore: string | undefined, url: string): Promise<string> {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(url)) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `expected the name of an archive in the model store, got ${JSON.stringify(url.slice(0, 200))}: nothing is downloaded; copy it into torchserve.modelStore`,
    );
  }
  if (modelStore === undefined) {
    throw new FlyballError(
      'INVALID_REQUEST',
      'there is no model store: name a folder as torchserve.modelStore in the specification',
    );
  }
  if (!/^[^/\\\0]{1,200}\.mar$/.test(url) || url.startsWith('.')) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `expected the name of a .mar in the model store, without a folder, got ${JSON.stringify(url.slice(0, 200))}`,
    );
  }
  const path = join(modelStore, url);
  const [root, real] = await Promise.all([realpath(modelStore), realpath(path)]).catch((cause: unknown) => {
    throw new FlyballError('MODEL_NOT_FOUND', `Model not found at: ${url}`, { cause });
  });
  if (!real.startsWith(root + sep) || !(await stat(real)).isFile()) {
    throw new FlyballError('INVALID_REQUEST', `${url} links out of the model store`);
  }
  return real;
}
