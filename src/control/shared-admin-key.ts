/** The first key, on every machine that control may go on on: whoever sits there finds it where it always is. */
import { readFile } from 'node:fs/promises';
import { hashOf } from '../auth/key.ts';
import { adminKeyFile, writePrivateFile } from '../auth/key-table.ts';
import type { SharedSecrets } from '../store/shared-secrets.ts';
import type { Store } from '../store/store.ts';

/** `path`: where it lies here. One that was revoked is neither kept nor left here in place of one that is good. */
export async function shareAdminKey(secrets: SharedSecrets, store: Pick<Store, 'keys'>, path: string): Promise<void> {
  const hashes = new Set((await store.keys()).map(({ hash }) => hash));
  const isGood = (key: string | undefined): key is string =>
    key !== undefined && hashes.has(hashOf(key).toString('hex'));
  const own = await readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
  const found = await secrets.find(adminKeyFile);
  const kept = found === undefined ? undefined : Buffer.from(found).toString('utf8');
  if (isGood(own) && !isGood(kept)) await secrets.replace(adminKeyFile, Buffer.from(own));
  else if (!isGood(own) && isGood(kept)) await writePrivateFile(path, `${kept}\n`);
}
