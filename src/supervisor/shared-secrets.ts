/**
 * What every machine of one platform must have the same of, before its processes start: the authority, and the key of the
 * request log. The files of the data directory are what is read, as ever; here they become those that the platform has.
 */
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import type { StoreSettings } from '../config/store-specification.ts';
import { openSharedSecrets } from '../drivers/stores/open.ts';
import { logKeyAt, logKeyFile } from '../request-log/key.ts';
import type { SharedSecrets } from '../store/shared-secrets.ts';
import { authorityFile, openPlatformAuthority } from '../tls/platform-authority.ts';

/** Nothing where the store keeps no secrets. SECRET_UNUSABLE, TLS_UNUSABLE, and what a store throws. */
export async function shareSecrets(
  settings: StoreSettings,
  dataDirectory: string,
  platform: string,
  clock: Clock,
): Promise<void> {
  await using secrets = await openSharedSecrets(settings, clock);
  if (secrets === undefined) return;
  // Those that are offered: what is here, or what is made for it now.
  await openPlatformAuthority(dataDirectory, platform, clock.wall());
  await takeOver(secrets, dataDirectory, authorityFile);
  logKeyAt(join(dataDirectory, logKeyFile));
  await takeOver(secrets, dataDirectory, logKeyFile);
}

async function takeOver(secrets: SharedSecrets, folder: string, name: string): Promise<void> {
  const path = join(folder, name);
  const own = await readFile(path);
  const kept = await secrets.offer(name, own);
  if (own.equals(kept)) return;
  // Nobody else has what was made here before the platform was known: it is put aside.
  await rename(path, `${path}.replaced`);
  await writePrivateFile(path, kept);
}
