/**
 * The control API's door where keys are required: each request is asked for its key before its body is read, held
 * against the scope of its route, and speaks in the name of its key: what it calls itself in `by` counts for nothing.
 * Invariant: a path that has no route needs a key too, so that nobody learns without one what there is.
 */
import type { FastifyRequest } from 'fastify';
import type { Authenticator, KeyHolder } from '../auth/authenticator.ts';
import { presentedKey } from '../auth/key.ts';
import type { SignIns } from '../auth/sign-ins.ts';
import type { ControlService } from '../control/control-service.ts';
import { toFlyballError } from '../errors.ts';
import { publish } from '../telemetry/events.ts';
import { requireOwnPage } from '../protocol/origin-check.ts';
import type { Route } from './routes.ts';
import { signInIdIn } from './sign-in/cookie.ts';

export interface KeyCheck {
  /** Throws UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN. */
  enter(request: FastifyRequest): void;
  /** Whose key the request came with. */
  nameOf(request: FastifyRequest): string | undefined;
  holderOf(request: FastifyRequest): KeyHolder | undefined;
  /** Whether that key holds for the deployment. */
  covers(request: FastifyRequest, deployment: string): boolean;
}

/** Whoever watches whether the process lives has no key. */
const open: ReadonlySet<string | undefined> = new Set(['/livez', '/readyz']);

export function keyCheck(auth: Authenticator, signIns: SignIns, control: ControlService): KeyCheck {
  const holders = new WeakMap<FastifyRequest, KeyHolder>();
  return {
    enter(request) {
      const { url, config } = request.routeOptions;
      const { route } = config as { readonly route?: Route };
      if (open.has(url) || route?.scope === 'own') return;
      let holder: KeyHolder | undefined;
      try {
        const { authorization, 'x-api-key': apiKey } = request.headers;
        const presented = presentedKey(authorization, typeof apiKey === 'string' ? apiKey : undefined);
        const signIn = presented === undefined ? signInIdIn(request.headers.cookie) : undefined;
        if (signIn === undefined) holder = auth.authenticate(presented, request.raw.socket);
        else {
          holder = signIns.holderOf(signIn);
          requireOwnPage(request.raw);
        }
        holders.set(request, holder);
        holder.admit();
        if (route !== undefined && route.scope !== 'any') {
          const deployment = deploymentOf(route, request, control);
          holder.require({ anyOf: [route.scope], deployment, cutDown: route.cutDown });
        }
      } catch (thrown) {
        const { code } = toFlyballError(thrown);
        publish('flyball:refusal', { listener: 'control', code, by: holder?.name });
        throw thrown;
      }
    },
    holderOf: (request) => holders.get(request),
    nameOf: (request) => holders.get(request)?.name,
    covers: (request, deployment) => holders.get(request)?.covers(deployment) ?? false,
  };
}

function deploymentOf(route: Route, request: FastifyRequest, control: ControlService): string | undefined {
  if (route.concerns !== undefined) return route.concerns(control, request.params as Readonly<Record<string, string>>);
  if (!route.path.startsWith('/deployments/{name}')) return undefined;
  return (request.params as Readonly<Record<string, string>>)['name'];
}

/** Parsed input has `by`, given or not, wherever its route takes one. */
export function withCaller(parsed: unknown, by: string | undefined): unknown {
  if (by === undefined || typeof parsed !== 'object' || parsed === null || !Object.hasOwn(parsed, 'by')) return parsed;
  return { ...parsed, by };
}
