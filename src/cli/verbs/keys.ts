/**
 * `flyball keys`: who may call. The key itself goes to stdout, alone, so that it can be taken into a variable or a
 * secret store; it is shown this once. What is kept is listed by id and name.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyCreated, KeyRequest, KeyView } from '../../api/schemas.ts';
import { nearest } from '../../config/nearest.ts';
import { scopes, type Scope } from '../../core/access/scopes.ts';
import { FlyballError } from '../../errors.ts';
import { parseCount, parseDurationMs } from '../arguments.ts';
import { caller, connect } from '../connect.ts';
import { dataDirectoryPath } from '../data-directory-path.ts';
import { flag, stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { parseRate } from '../load-plan.ts';
import { formatOf, print, table, type Column } from '../output.ts';
import { dateTime } from '../../units.ts';

const actions: Readonly<Record<string, (invocation: Invocation, word: string | undefined) => Promise<ExitCode>>> = {
  list,
  create,
  revoke,
};

export async function run(invocation: Invocation): Promise<ExitCode> {
  const [name = 'list', word] = invocation.positionals;
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined;
  if (action !== undefined) return await action(invocation, word);
  const [near] = nearest(name, Object.keys(actions));
  const hint = near === undefined ? `to make one: flyball keys create ${name}` : `did you mean keys ${near}?`;
  throw new UsageError(`keys expects list, create or revoke, got ${name}`, hint);
}

async function list(invocation: Invocation, word: string | undefined): Promise<ExitCode> {
  if (word !== undefined) throw new UsageError(`keys list does not take ${word}`);
  const keys = await connect(invocation).keys(invocation.signal);
  await print(invocation.terminal, formatOf(invocation.values), {
    data: keys,
    items: keys,
    names: () => keys.map(({ id }) => id),
    table: () => (keys.length === 0 ? 'No keys. Make one: flyball keys create NAME --scope infer\n' : listText(keys)),
  });
  return exitCodes.done;
}

function listText(keys: readonly KeyView[]): string {
  const columns: readonly Column<KeyView>[] = [
    { header: 'ID', cell: ({ id }) => id },
    { header: 'NAME', cell: ({ name }) => name },
    { header: 'SCOPES', cell: (key) => key.scopes.join(',') },
    { header: 'DEPLOYMENTS', cell: ({ deployments }) => deployments?.join(',') ?? 'all' },
    { header: 'RATE', cell: ({ rate }) => (rate === undefined ? 'any' : `${rate.perSecond}/s`) },
    { header: 'EXPIRES', cell: ({ expiresAt }) => (expiresAt === undefined ? 'never' : dateTime(expiresAt)) },
    { header: 'MADE', cell: ({ createdAt, createdBy }) => `${dateTime(createdAt)} by ${createdBy}` },
  ];
  return table(columns, keys);
}

async function create(invocation: Invocation, name: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  if (name === undefined) throw new UsageError('expected the name of who gets the key', 'flyball keys create ward-7');
  const request = requestOf(name, invocation);
  const created = flag(values, 'offline')
    ? await createOffline(request, invocation)
    : await connect(invocation).createKey(request, signal);
  await print(terminal, formatOf(values), {
    data: created,
    names: () => [created.secret],
    table: () => `${created.secret}\n`,
  });
  const { id, scopes: own, deployments } = created;
  terminal.stderr.write(
    `  key ${id} for ${created.name}: ${own.join(', ')}${deployments === undefined ? '' : ` on ${deployments.join(', ')}`}; it is shown this once\n`,
  );
  return exitCodes.done;
}

function requestOf(name: string, { terminal, values }: Invocation): KeyRequest {
  const given = (stringOption(values, 'scope') ?? 'infer').split(',').map((scope) => scope.trim());
  const unknown = given.find((scope) => !(scopes as readonly string[]).includes(scope));
  if (unknown !== undefined) throw new UsageError(`--scope expects of ${scopes.join(', ')}, got ${unknown}`);
  const expires = stringOption(values, 'expires');
  const rateText = stringOption(values, 'rate');
  const burstText = stringOption(values, 'burst');
  if (burstText !== undefined && rateText === undefined) throw new UsageError('--burst goes with --rate');
  const perSecond = rateText === undefined ? undefined : parseRate(rateText, '--rate');
  const deployments = values['deployment'] as readonly string[] | undefined;
  return {
    name,
    scopes: [...new Set(given as Scope[])],
    by: caller(terminal.env),
    ...(deployments === undefined ? {} : { deployments: [...deployments] }),
    ...(expires === undefined ? {} : { expiresAt: Math.round(Date.now() + lifetimeMs(expires)) }),
    ...(perSecond === undefined
      ? {}
      : {
          rate: {
            perSecond,
            burst:
              burstText === undefined
                ? Math.max(1, Math.round(perSecond))
                : parseCount(burstText, '--burst', 1, 1_000_000),
          },
        }),
  };
}

/** Keys live longer than operations: days too. */
function lifetimeMs(text: string): number {
  const days = /^(\d+)d$/.exec(text)?.[1];
  return days === undefined ? parseDurationMs(text, '--expires') : Number(days) * 86_400_000;
}

/** Whoever can write the data directory owns the platform; no key could keep them out, and none has to let them in. */
async function createOffline(request: KeyRequest, invocation: Invocation): Promise<KeyCreated> {
  const directory = dataDirectoryPath(invocation);
  const { databaseFile, holderOf, rememberedStore } = await import('../../store/data-directory.ts');
  if (rememberedStore(directory).kind !== 'sqlite')
    throw new UsageError(
      `the keys of ${directory} are in PostgreSQL, where another control may serve them now`,
      'leave --offline out: the first key is in admin.key of the data directory',
    );
  if (!existsSync(join(directory, databaseFile)))
    throw new UsageError(`${directory} holds no platform`, 'name its data directory with --data-dir');
  if (holderOf(directory) !== undefined)
    throw new FlyballError(
      'DATA_DIR_LOCKED',
      `${directory} is in use: stop the platform first, or leave --offline out`,
    );
  const { openSqliteStore } = await import('../../drivers/stores/sqlite.ts');
  const { openKeyService } = await import('../../control/key-service.ts');
  const { systemClock } = await import('../../clock.ts');
  const { keyRequest } = await import('../../api/schemas.ts');
  const parsed = keyRequest.safeParse(request);
  if (!parsed.success) throw new UsageError(parsed.error.issues[0]?.message ?? 'the key cannot be made so');
  await using store = openSqliteStore(join(directory, databaseFile));
  const service = await openKeyService({ store, clock: systemClock, required: true, publish: async () => [] });
  // Awaited here: the store stays open for as long as the key is being made.
  return await service.createKey(parsed.data);
}

async function revoke(invocation: Invocation, id: string | undefined): Promise<ExitCode> {
  const { terminal, values, signal } = invocation;
  if (id === undefined) throw new UsageError('expected the id of the key', 'flyball keys shows them');
  const revoked = await connect(invocation).revokeKey(id, caller(terminal.env), signal);
  await print(terminal, formatOf(values), { data: revoked, names: () => [revoked.id], table: () => '' });
  const { pendingGateways: pending } = revoked;
  terminal.stderr.write(
    pending.length === 0
      ? `  key ${id} of ${revoked.name} is revoked; no gateway accepts it\n`
      : `  key ${id} of ${revoked.name} is revoked, but not confirmed by gateway ${pending.join(', ')}: it may accept the key until it answers again\n`,
  );
  return pending.length === 0 ? exitCodes.done : exitCodes.failed;
}
