/**
 * Whom the probe of a container asks whether what runs in it is ready. One image holds all roles, so the role is found:
 * by what the environment says, else by what the supervisor has announced, else by who listens on a role's usual port.
 */

/** `door`: the socket of a gateway for callers of its own machine. */
export type Address =
  | { readonly kind: 'port'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: 'door'; readonly path: string };

/** What `flyball up` leaves in supervisor.json, as much of it as is read here. */
export interface Announced {
  readonly listeners?: { readonly http?: { readonly url: string; readonly certificate?: string } };
}

const path = '/v2/health/ready';
/** A gateway, and a runner that serves one model alone. */
const usualPorts = [8000, 9000];

/**
 * In the order in which they are asked; the first that is there gives the answer. `given`: an http: address with a path.
 * Where the listener speaks TLS its gateway's door is asked instead: the certificate is for other names than this
 * host's, and the listener may want one from its callers. A TypeError says what is wrong with `given`.
 */
export function addressesOf(given: string | undefined, announced: Announced | undefined): readonly Address[] {
  if (given !== undefined && given !== '') return [toAddress(new URL(given))];
  const http = announced?.listeners?.http;
  if (http === undefined) return usualPorts.map((port) => ({ kind: 'port', host: '127.0.0.1', port, path }));
  if (http.certificate !== undefined) return [{ kind: 'door', path }];
  return [toAddress(new URL(path, http.url))];
}

/** What is bound to every address of the container is asked on its own. */
const ownAddress: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '[::]': '::1' };

function toAddress({ protocol, hostname, port, pathname, href }: URL): Address {
  if (protocol !== 'http:') throw new TypeError(`expected an http: address, came ${href}`);
  const host = ownAddress[hostname] ?? hostname.replaceAll(/^\[|\]$/g, '');
  return { kind: 'port', host, port: Number(port === '' ? 80 : port), path: pathname };
}

/** The status of an HTTP answer by its first line; undefined when it is none. */
export function statusIn(answer: string): number | undefined {
  const [, status] = /^HTTP\/1\.[01] (\d{3})/.exec(answer) ?? [];
  return status === undefined ? undefined : Number(status);
}

export const inWords = (address: Address): string =>
  address.kind === 'door' ? `the gateway's door` : `${address.host}:${address.port}`;
