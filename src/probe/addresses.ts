/**
 * Whom the probe of a container asks whether what runs in it is ready. One image holds all roles, so the role is found:
 * by what the environment says, else by what the supervisor has announced, else by who listens on a role's usual port.
 */

/** `door`: the socket of a gateway for callers of its own machine. `api`: that of control's API for this user. */
export type Address =
  | { readonly kind: 'port'; readonly host: string; readonly port: number; readonly path: string }
  | { readonly kind: 'door'; readonly path: string }
  | { readonly kind: 'api'; readonly path: string };

/** What a supervisor leaves in supervisor.json, as much of it as is read here. */
export interface Announced {
  /** Control waits for its turn: it answers nobody, and nothing is wrong with it. */
  readonly standby?: string;
  readonly listeners?: {
    readonly [Name in 'http' | 'control']?: { readonly url: string; readonly certificate?: string };
  };
}

const path = '/v2/health/ready';
/** Of control alone. */
const controlPath = '/readyz';
/** A gateway, and a runner that serves one model alone. */
const usualPorts = [8000, 9000];

/**
 * In the order in which they are asked; the first that is there gives the answer. `given`: an http: address with a path.
 * Where the listener speaks TLS the Unix socket beside it is asked instead: the certificate is for other names than this
 * host's, and the listener may want one from its callers. A TypeError says what is wrong with `given`.
 */
export function addressesOf(given: string | undefined, announced: Announced | undefined): readonly Address[] {
  if (given !== undefined && given !== '') return [toAddress(new URL(given))];
  const { http, control } = announced?.listeners ?? {};
  if (http !== undefined) {
    return [http.certificate === undefined ? toAddress(new URL(path, http.url)) : { kind: 'door', path }];
  }
  if (control !== undefined) {
    return [
      control.certificate === undefined
        ? toAddress(new URL(controlPath, control.url))
        : { kind: 'api', path: controlPath },
    ];
  }
  return usualPorts.map((port) => ({ kind: 'port', host: '127.0.0.1', port, path }));
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
  address.kind === 'port'
    ? `${address.host}:${address.port}`
    : address.kind === 'door'
      ? `the gateway's door`
      : `the socket of control's API`;
