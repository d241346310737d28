/**
 * What the processes of this machine show to replicas and doors. Where the authority is, it issues them; a gateway alone was
 * given one, and its control's doors give it the next, which it keeps for its next start.
 * Invariant: a process that starts is told one that is in force, and those that run hear of each that follows.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writePrivateFile } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import type { Rng } from '../rng.ts';
import { publish } from '../telemetry/events.ts';
import { askDoors } from '../tls/ask-certificate.ts';
import { identityIn, parseIdentity } from '../tls/identity-file.ts';
import { isoOf, lifeOf } from '../tls/life.ts';
import { liveIdentity } from '../tls/live-identity.ts';
import { ownIdentity } from '../tls/own-identity.ts';
import type { PeerIdentity } from '../tls/peer.ts';
import { openPlatformAuthority } from '../tls/platform-authority.ts';
import { keepRenewed } from '../tls/renewing.ts';
import type { PlannedChild, Role } from './roles.ts';

type Name = PlannedChild['role'];

export interface IdentitiesOptions {
  readonly role: Role;
  readonly dataDirectory: string;
  /** Of the platform. */
  readonly name: string;
  readonly lifetimeMs: number;
  readonly clock: Clock;
  readonly rng: Rng;
  readonly onRenewed: (name: Name, identity: PeerIdentity) => void;
}

export interface Identities extends Disposable {
  of(name: Name): PeerIdentity;
  /** Until when each is in force, in Unix milliseconds. */
  expiries(): ReadonlyMap<Name, number>;
}

/** In the data directory of a gateway alone. */
export const gatewayIdentityFile = 'gateway-identity.pem';

/** TLS_UNUSABLE where a gateway alone was given none that is in force, and has kept none. */
export async function openIdentities(options: IdentitiesOptions): Promise<Identities> {
  using stack = new DisposableStack();
  const held = new Map<Name, PeerIdentity>();
  if (options.role.kind === 'gateway') held.set('gateway', await givenIdentity(options, options.role, stack));
  else {
    const { role, dataDirectory, name, lifetimeMs, clock, rng } = options;
    const authority =
      role.kind === 'control' ? role.authority : await openPlatformAuthority(dataDirectory, name, clock.wall());
    for (const identity of role.kind === 'control' ? (['control'] as const) : (['control', 'gateway'] as const)) {
      const own = stack.use(
        ownIdentity({ authority, identity, role: 'client', lifetimeMs, clock, rng, onTrouble: say(identity) }),
      );
      own.onReplaced((next) => options.onRenewed(identity, next));
      held.set(identity, own);
    }
  }
  const resources = stack.move();
  return {
    of(name) {
      const { certificate, key, authority } = held.get(name) as PeerIdentity;
      return { certificate, key, authority };
    },
    expiries: () => new Map([...held].map(([name, { certificate }]) => [name, lifeOf(certificate).until])),
    [Symbol.dispose]: () => resources.dispose(),
  };
}

async function givenIdentity(
  { dataDirectory, clock, rng, onRenewed }: IdentitiesOptions,
  { identity: given, doors }: Extract<Role, { readonly kind: 'gateway' }>,
  stack: DisposableStack,
): Promise<PeerIdentity> {
  const path = join(dataDirectory, gatewayIdentityFile);
  const identity = liveIdentity((await keptIdentity(path, given, clock)) ?? inForce(given, clock.wall()));
  identity.onReplaced((next) => {
    onRenewed('gateway', next);
    const { certificate, key, authority } = next;
    writePrivateFile(path, certificate + key + authority).catch((error: Error) => {
      say('gateway')(`its certificate is renewed, and could not be kept in ${path}: ${error.message}`);
    });
  });
  stack.defer(
    keepRenewed({
      identity,
      ask: askDoors(doors, identity),
      clock,
      rng,
      onRenewed: (until) =>
        publish('flyball:control', {
          action: 'certificate renewed',
          subject: 'gateway',
          by: "control's door",
          reason: `good until ${isoOf(until)}`,
        }),
      onTrouble: say('gateway'),
      onRefused: say('gateway'),
    }),
  );
  return identity;
}

/** What the gateway before has left, where it goes on for longer than what was given and is of the same authority. */
async function keptIdentity(path: string, given: PeerIdentity, clock: Clock): Promise<PeerIdentity | undefined> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    const kept = parseIdentity(path, text, clock.wall());
    const isOurs = identityIn(kept.certificate) === 'gateway' && kept.authority.trim() === given.authority.trim();
    return isOurs && lifeOf(kept.certificate).until > lifeOf(given.certificate).until ? kept : undefined;
  } catch {
    // Expired or damaged: what was given stands.
    return undefined;
  }
}

/** TLS_UNUSABLE for one that is not. */
function inForce(given: PeerIdentity, at: number): PeerIdentity {
  return parseIdentity('--identity', given.certificate + given.key + given.authority, at);
}

const say = (name: Name) => (message: string) => publish('flyball:fault', { where: `certificate of ${name}`, message });
