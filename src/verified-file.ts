/**
 * A file read once, whole, and held against the digest that its bytes must have. Whoever uses what this returns uses the
 * bytes that were checked: a file that is changed, replaced or linked elsewhere after the check changes nothing.
 */
import { readFile } from 'node:fs/promises';
import { FlyballError } from './errors.ts';

/** DIGEST_MISMATCH. Without a digest it is read as it is. */
export async function readVerified(path: string, digest: string | undefined): Promise<Buffer> {
  const bytes = await readFile(path);
  if (digest === undefined) return bytes;
  // Read only now: most replicas start without it.
  const { createHash } = await import('node:crypto');
  const found = `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
  if (found === digest) return bytes;
  throw new FlyballError('DIGEST_MISMATCH', `${path} was altered: expected the bytes of ${digest}, got ${found}`);
}
