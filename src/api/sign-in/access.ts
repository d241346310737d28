/** Who one request's caller is, and how a browser becomes one for longer: sign in, sign out. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Authenticator, KeyHolder } from '../../auth/authenticator.ts';
import type { FailedAttempts } from '../../auth/failed-attempts.ts';
import { lifetimeMs, type SignIns } from '../../auth/sign-ins.ts';
import { scopes } from '../../core/access/scopes.ts';
import { FlyballError, toFlyballError } from '../../errors.ts';
import { publish } from '../../telemetry/events.ts';
import { clearedCookie, signInCookie, signInIdIn } from './cookie.ts';
import type { CallerView } from './schemas.ts';

export interface Access {
  caller(): CallerView;
  /** Throws UNAUTHENTICATED, RATE_LIMITED. */
  signIn(key: string): Promise<CallerView>;
  signOut(): Promise<void>;
}

/** Present where callers need keys. */
export interface AccessParts {
  readonly auth: Authenticator;
  readonly signIns: SignIns;
  readonly failures: FailedAttempts;
  readonly tls: boolean;
}

export function accessOf(
  version: string,
  parts: AccessParts | undefined,
  request: FastifyRequest,
  reply: FastifyReply,
  holder: KeyHolder | undefined,
): Access {
  if (parts === undefined) {
    const everybody = (): CallerView => ({ auth: 'none', scopes: [...scopes], version });
    return { caller: everybody, signIn: async () => everybody(), signOut: async () => undefined };
  }
  const { auth, signIns, failures, tls } = parts;
  const presented = signInIdIn(request.headers.cookie);
  const viewOf = (of: KeyHolder, until: number | undefined): CallerView => ({
    auth: 'required',
    name: of.name,
    scopes: [...of.scopes],
    ...(of.deployments !== undefined && { deployments: [...of.deployments] }),
    ...(until !== undefined && { signedInUntil: until }),
    version,
  });
  const tell = (action: string, of: KeyHolder, reason: string): void =>
    publish('flyball:control', { action, subject: `key ${of.id}`, by: of.name, reason });

  return {
    caller() {
      if (holder === undefined) throw new FlyballError('UNAUTHENTICATED', 'expected to be signed in');
      const isKey = request.headers.authorization !== undefined || request.headers['x-api-key'] !== undefined;
      return viewOf(holder, isKey || presented === undefined ? undefined : signIns.expiresAt(presented));
    },
    async signIn(key) {
      const of = shown(key);
      of.admit();
      // Whatever the browser had: this is another sign-in, and nothing that was there before is it.
      if (presented !== undefined) await signIns.end(presented);
      const begun = await signIns.begin(of.id);
      void reply.header('set-cookie', signInCookie(begun.id, lifetimeMs, tls));
      tell('sign in', of, `until ${new Date(begun.expiresAt).toISOString()}`);
      return viewOf(of, begun.expiresAt);
    },
    async signOut() {
      void reply.header('set-cookie', clearedCookie(tls));
      if (presented !== undefined && (await signIns.end(presented)) && holder !== undefined)
        tell('sign out', holder, 'asked for');
    },
  };

  function shown(key: string): KeyHolder {
    try {
      return auth.authenticate(key);
    } catch (thrown) {
      const waitMs = failures.count(request.raw.socket.remoteAddress);
      if (waitMs === undefined || toFlyballError(thrown).code !== 'UNAUTHENTICATED') throw thrown;
      throw new FlyballError('RATE_LIMITED', 'expected an API key; too many that are none came from this address', {
        cause: thrown,
        retryAfterSeconds: Math.max(1, Math.ceil(waitMs / 1000)),
      });
    }
  }
}
