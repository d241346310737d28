/**
 * The key table: what control publishes of the keys, to gateways and into a file, as it does with the routing table.
 * It holds hashes and no secret; with it a gateway knows its callers while control is dead.
 * Invariant: the file belongs to this user alone and is never half written; what is not a whole table lets nobody in.
 */
import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { Grant } from '../core/access/scopes.ts';
import type { Rate } from '../core/access/token-bucket.ts';

export interface KeyEntry extends Grant {
  readonly id: string;
  /** SHA-256 of the key, hexadecimal. */
  readonly hash: string;
  /** The person or service: what events, journal and operations show as `by`. */
  readonly name: string;
  /** Unix milliseconds. */
  readonly expiresAt?: number | undefined;
  readonly rate?: Rate | undefined;
}

export interface KeyTable {
  /** Grows with every change, across restarts of control. */
  readonly revision: number;
  /** As of the routing table: a control that was replaced cannot bring back a key. Absent: 0. */
  readonly epoch?: number;
  readonly keys: readonly KeyEntry[];
}

export const noKeys: KeyTable = { revision: 0, keys: [] };
/** In the run directory. */
export const keyTableFile = 'keys.json';
/** In the data directory: the first key, in clear. */
export const adminKeyFile = 'admin.key';

/** A file that only this user can read, whole or not at all; on the disk when it returns. */
export async function writePrivateFile(
  path: string,
  content: string | Uint8Array,
  temporary = `${path}.new`,
): Promise<void> {
  const file = await open(temporary, 'w', 0o600);
  try {
    // One that was left behind may have other rights.
    await file.chmod(0o600);
    await file.writeFile(content);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export function readKeyTable(path: string): KeyTable {
  try {
    const table = JSON.parse(readFileSync(path, 'utf8')) as KeyTable;
    return Array.isArray(table.keys) ? table : noKeys;
  } catch {
    // None yet, or one that cannot be read: until control sends it nobody is known.
    return noKeys;
  }
}
