/**
 * The part of control that is about API keys: makes, lists and revokes them, and publishes the table of their hashes.
 * It checks no caller. Changes are one after another, so that tables leave in the order of their revisions.
 * Invariant: a secret leaves here once, in the answer to whoever made it, and is kept nowhere.
 */
import type { KeyCreated, KeyRequest, KeyView, RevokedKey } from '../api/schemas.ts';
import { hashOf, idOf, makeKey, type NewKey } from '../auth/key.ts';
import { writePrivateFile, type KeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import { holds } from '../core/access/scopes.ts';
import { FlyballError } from '../errors.ts';
import type { KeyRecord, Store } from '../store/store.ts';
import { publish as publishEvent } from '../telemetry/events.ts';

export interface KeyService {
  keys(): Promise<readonly KeyView[]>;
  createKey(request: KeyRequest): Promise<KeyCreated>;
  /** When it returns no gateway that answered accepts the key; those that did not are named. */
  revokeKey(id: string, by: string): Promise<RevokedKey>;
}

export interface KeyServiceParts {
  readonly store: Store;
  readonly clock: Clock;
  /** Whether callers need keys: then the last that can manage keys may not go. */
  readonly required: boolean;
  /** Gives the gateways that have not confirmed the table, by name, after waiting for them where that is wanted. */
  publish(table: KeyTable, confirmed: boolean): Promise<readonly string[]>;
}

/** Each is a line in a table that every gateway holds. */
const keysMax = 10_000;

export async function openKeyService(parts: KeyServiceParts): Promise<KeyService> {
  const { store, clock } = parts;
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  };

  const publishTable = async (confirmed: boolean): Promise<readonly string[]> => {
    const keys = (await store.keys()).map((record) => {
      const { createdAt: _at, createdBy: _by, ...entry } = record;
      return entry;
    });
    return parts.publish({ revision: await store.nextKeysRevision(), keys }, confirmed);
  };

  // No gateway may be there yet.
  await publishTable(false);
  return {
    keys: async () => (await store.keys()).map(toView),
    createKey: (request) =>
      inTurn(async () => {
        const { by, ...wish } = request;
        const at = clock.wall();
        if (wish.expiresAt !== undefined && wish.expiresAt <= at) {
          throw new FlyballError('INVALID_REQUEST', `expiresAt: expected a time to come, got ${wish.expiresAt}`);
        }
        const before = await store.keys();
        if (before.length >= keysMax) {
          throw new FlyballError('CONFLICT', `expected at most ${keysMax} keys; revoke those that nobody uses`);
        }
        const { id, secret, hash } = makeKey();
        const record: KeyRecord = { ...wish, id, hash, createdAt: at, createdBy: by };
        await store.addKey(record);
        await publishTable(true);
        const reason = `scopes ${wish.scopes.join(', ')}`;
        publishEvent('flyball:control', { action: 'key created', subject: `${id} of ${wish.name}`, by, reason });
        return { ...toView(record), secret };
      }),
    revokeKey: (id, by) =>
      inTurn(async () => {
        const all = await store.keys();
        const found = all.find((key) => key.id === id);
        if (found === undefined) throw new FlyballError('KEY_NOT_FOUND', `there is no key ${id}`);
        if (parts.required && isAdmin(found, clock) && all.filter((key) => isAdmin(key, clock)).length === 1) {
          throw new FlyballError('CONFLICT', `${id} is the last key with the scope admin; make another one first`);
        }
        await store.removeKey(id);
        const pending = await publishTable(true);
        publishEvent('flyball:control', {
          action: 'key revoked',
          subject: `${id} of ${found.name}`,
          by,
          reason: pending.length === 0 ? 'no gateway accepts it' : `not confirmed by gateway ${pending.join(', ')}`,
        });
        return { ...toView(found), pendingGateways: pending.map((name) => (name.includes('/') ? name : Number(name))) };
      }),
  };
}

function toView(record: KeyRecord): KeyView {
  const { hash: _hash, deployments, ...view } = record;
  return { ...view, scopes: [...view.scopes], ...(deployments && { deployments: [...deployments] }) };
}

function isAdmin(key: KeyRecord, clock: Clock): boolean {
  return holds(key, 'admin') && (key.expiresAt === undefined || key.expiresAt > clock.wall());
}

export interface FirstKey {
  /** Where it is left, for this user alone. */
  readonly path: string;
  /** The key itself, where it was made elsewhere: then it is left nowhere. */
  readonly given?: string | undefined;
  readonly name: string;
}

/**
 * Where there is no key that could make others, one is made and left in a file that only this user can read. First the
 * file, then the store: killed in between, the next start makes another, and no key is lost that is in force.
 */
export async function ensureAdminKey(store: Store, clock: Clock, key: FirstKey): Promise<void> {
  if ((await store.keys()).some((each) => isAdmin(each, clock))) return;
  if (key.given === undefined) await addAdminKey(store, clock, key);
  else await takeAdminKey(store, clock, key.given, key.name);
}

export async function addAdminKey(
  store: Store,
  clock: Clock,
  { path, name }: { readonly path: string; readonly name: string },
): Promise<void> {
  const key = makeKey();
  await writePrivateFile(path, `${key.secret}\n`);
  await keepAdminKey(store, clock, key, name);
  tellAdminKey(key.id, name, `it stands in ${path}`);
}

/** INVALID_REQUEST for what is no key of ours. */
async function takeAdminKey(store: Store, clock: Clock, secret: string, name: string): Promise<void> {
  const id = idOf(secret);
  if (id === undefined)
    throw new FlyballError('INVALID_REQUEST', 'expected an API key as the first, got something else');
  await keepAdminKey(store, clock, { id, hash: hashOf(secret).toString('hex') }, name);
  tellAdminKey(id, name, 'it was given');
}

const keepAdminKey = (store: Store, clock: Clock, { id, hash }: Pick<NewKey, 'id' | 'hash'>, name: string) =>
  store.addKey({ id, hash, name, scopes: ['admin'], createdAt: clock.wall(), createdBy: 'flyball up' });

function tellAdminKey(id: string, name: string, where: string): void {
  const reason = `it is the only one that can make others; ${where}`;
  publishEvent('flyball:control', { action: 'key created', subject: `${id} of ${name}`, by: 'flyball up', reason });
}
