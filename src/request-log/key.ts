/** The key of the request log, under which redacted values are hashed. In the data directory, for this user alone. */
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';

export const logKeyFile = 'request-log.key';
const keyBytes = 32;

/** One key for all workers, made by whoever is first: equal values have equal hashes, and nobody else can try values. */
export function logKeyAt(path: string): Uint8Array {
  try {
    writeFileSync(path, randomBytes(keyBytes), { flag: 'wx', mode: 0o600, flush: true });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const key = readFileSync(path);
  if (key.byteLength !== keyBytes) throw new Error(`${path}: expected a key of ${keyBytes} bytes; remove it`);
  return key;
}
