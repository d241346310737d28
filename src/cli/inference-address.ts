/** Where a deployment's inference API listens: as told with --http-url, else as the control API says. */
import type { StatusView } from '../api/schemas.ts';
import { nearest } from '../config/nearest.ts';
import { FlyballError } from '../errors.ts';
import { announcedListener, connect, gatewaysOf } from './connect.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import { firstReachable } from './fleet/reachable.ts';

export async function inferenceUrl(
  invocation: Invocation,
  deployment: string,
  protocol: 'http' | 'grpc' = 'http',
): Promise<URL> {
  const given = stringOption(invocation.values, 'http-url');
  if (given !== undefined) {
    const url = URL.parse(given.includes('://') ? given : `${protocol}://${given}`);
    if (url === null) throw new UsageError(`--http-url expects an address such as http://127.0.0.1:8000, got ${given}`);
    return url;
  }
  const status = await connect(invocation)
    .status(invocation.signal)
    .catch((error: unknown) => withoutStatus(error, protocol, invocation));
  if (status instanceof URL) return status;
  mustHave(status, deployment);
  // Control knows not at which addresses the nodes are reached from here.
  const gateways = gatewaysOf(invocation, protocol);
  if (gateways !== undefined) return new URL(await firstReachable(gateways));
  const listener = status.listeners[protocol];
  const url = listener === undefined ? null : URL.parse(listener.url);
  if (url === null)
    throw new FlyballError('PROTOCOL', `the control API names no ${protocol} listener${elsewhere(status)}`);
  return url;
}

function elsewhere({ gateways }: StatusView): string {
  const nodes = new Set(gateways.flatMap(({ node }) => (node === undefined ? [] : [node])));
  return nodes.size === 0 ? '' : `: gateways are on ${[...nodes].join(', ')}; name the address of one with --http-url`;
}

/** A key that may only infer does not get to see the status; where the platform is this machine's, its file tells. */
function withoutStatus(error: unknown, protocol: 'http' | 'grpc', invocation: Invocation): URL {
  if (!(error instanceof FlyballError) || error.code !== 'FORBIDDEN') throw error;
  const told = announcedListener(invocation, protocol);
  if (told !== undefined) return new URL(told);
  throw new FlyballError('FORBIDDEN', `${error.message}; name the inference address with --http-url`, { cause: error });
}

export function mustHave(status: StatusView, deployment: string): void {
  const names = status.deployments.map((each) => each.name);
  if (names.includes(deployment)) return;
  const [near] = nearest(deployment, names);
  const hint = near === undefined ? `there are: ${names.join(', ') || 'none'}` : `did you mean ${near}?`;
  throw new FlyballError('DEPLOYMENT_NOT_FOUND', `no deployment is called ${deployment}; ${hint}`);
}

/** Loopback by name or number; a name that merely resolves to loopback does not count. */
export function isLoopback(url: URL): boolean {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}
