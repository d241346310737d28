/** The store that a specification names. PostgreSQL's driver is loaded only where it is one. */
import type { Clock } from '../../clock.ts';
import type { PostgresSettings, StoreSettings } from '../../config/store-specification.ts';
import { readSecret } from '../../control/alerts/secrets.ts';
import { FlyballError } from '../../errors.ts';
import type { SharedArtefacts } from '../../registry/shared-artefacts.ts';
import type { Fence } from '../../store/lease.ts';
import { sealKeyLengthMin } from '../../store/sealed.ts';
import type { SharedSecrets } from '../../store/shared-secrets.ts';
import { readPostgresAddress } from '../../store/postgres-address.ts';
import type { Store } from '../../store/store.ts';
import type { PostgresOptions } from './postgres.ts';
import { openSqliteStore } from './sqlite.ts';

/** `databasePath`: of the SQLite store. DATA_DIR_UNUSABLE, STORE_UNUSABLE, STORE_UNREACHABLE, STORE_TOO_NEW. */
export async function openStore(
  settings: StoreSettings,
  databasePath: string,
  clock: Clock,
  fence?: Fence,
): Promise<Store> {
  if (settings.kind === 'sqlite') return openSqliteStore(databasePath);
  const { openPostgresStore } = await import('./postgres.ts');
  return await openPostgresStore({ ...postgresPlace(settings, clock), ...(fence !== undefined && { fence }) });
}

/** Where other controls find the bytes of models; a SQLite store has none, its files are beside it. After `openStore`. */
export async function openSharedArtefacts(
  settings: StoreSettings,
  clock: Clock,
  fence: Fence | undefined,
): Promise<SharedArtefacts | undefined> {
  if (settings.kind === 'sqlite') return undefined;
  const { openPostgresArtefacts } = await import('./postgres-artefacts.ts');
  return openPostgresArtefacts({ ...postgresPlace(settings, clock), ...(fence !== undefined && { fence }) });
}

/** Undefined where machines share none: SQLite, or no file to seal them with. SECRET_UNUSABLE. */
export async function openSharedSecrets(settings: StoreSettings, clock: Clock): Promise<SharedSecrets | undefined> {
  if (settings.kind === 'sqlite' || settings.sealKeyFile === undefined) return undefined;
  const sealKey = await readSecret({ file: settings.sealKeyFile }, 'store.sealKeyFile', sealKeyLengthMin);
  const { openPostgresSecrets } = await import('./postgres-secrets.ts');
  return openPostgresSecrets(postgresPlace(settings, clock), sealKey);
}

/** Whether it can be used, changing nothing in one that others may be using; throws what says why not. */
export async function checkStore(settings: StoreSettings, databasePath: string, clock: Clock): Promise<void> {
  if (settings.kind === 'sqlite') {
    await openSqliteStore(databasePath)[Symbol.asyncDispose]();
    return;
  }
  const { checkPostgres } = await import('./postgres.ts');
  await checkPostgres(postgresPlace(settings, clock));
}

export function postgresPlace(settings: PostgresSettings, clock: Clock): PostgresOptions {
  const { url, schema, passwordFile, statementMs } = settings;
  const reading = readPostgresAddress(url);
  if ('problem' in reading) throw new FlyballError('INVALID_SPECIFICATION', `store.url: ${reading.problem}`);
  return {
    address: reading.address,
    schema,
    clock,
    timeouts: { statementMs },
    password: async () =>
      passwordFile === undefined ? process.env['PGPASSWORD'] : readSecret({ file: passwordFile }, 'store.passwordFile'),
  };
}
