/**
 * Where a PostgreSQL server is, read out of a URL as its own clients write it. Pure. What leads to a weaker connection than
 * was asked for is refused: clear text, or a certificate that nobody has checked, has to be named.
 *
 *   postgres://USER@HOST:5432/DATABASE?sslmode=verify-full&sslrootcert=/etc/flyball/ca.pem
 *   postgres://USER@/DATABASE?host=/run/postgresql          a Unix socket's folder
 */
import { resolve } from 'node:path';
import { didYouMean } from '../config/nearest.ts';

export const tlsModes = ['disable', 'require', 'verify-ca', 'verify-full'] as const;
export type TlsMode = (typeof tlsModes)[number];

export interface PostgresAddress {
  /** A name, an address, or the folder of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  readonly tls: TlsMode;
  /** Paths of PEM files. */
  readonly rootCertificate?: string;
  readonly certificate?: string;
  readonly key?: string;
  /** What people are shown: all but the password. */
  readonly shown: string;
  /** Only where the URL has one: the specification takes none. */
  readonly password?: string;
}

const parameters = ['host', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;
const example = 'postgres://USER@HOST:5432/DATABASE';

/** Without an address: what was expected; what came is not repeated, since it may hold a password. */
export type AddressReading = { readonly address: PostgresAddress } | { readonly problem: string };

export function readPostgresAddress(text: string): AddressReading {
  const url = parse(text);
  if (url === undefined || !/^postgres(ql)?:$/.test(url.protocol)) return { problem: `expected ${example}` };
  const given = new Map<string, string>();
  for (const [name, value] of url.searchParams) {
    if (!(parameters as readonly string[]).includes(name))
      return { problem: `${name} is not one of ${parameters.join(', ')}${didYouMean(name, parameters)}` };
    given.set(name, value);
  }
  const user = decodeURIComponent(url.username);
  const database = decodeURIComponent(url.pathname.slice(1));
  const host = given.get('host') ?? url.hostname.replace(/^\[(.*)\]$/, '$1');
  for (const [what, value] of Object.entries({ user, host, database }))
    if (value === '') return { problem: `expected ${example}; there is no ${what}` };
  const mode = given.get('sslmode') ?? (isLocal(host) ? 'disable' : 'verify-full');
  if (!isTlsMode(mode)) return { problem: `expected sslmode of ${tlsModes.join(', ')}, got ${mode}` };
  const port = url.port === '' ? 5432 : Number(url.port);
  const place = host.startsWith('/') ? `${host}, port ${port},` : `${host}:${port}`;
  return {
    address: {
      host,
      port,
      user,
      database,
      tls: mode,
      ...optional('rootCertificate', given.get('sslrootcert')),
      ...optional('certificate', given.get('sslcert')),
      ...optional('key', given.get('sslkey')),
      ...optional('password', url.password === '' ? undefined : decodeURIComponent(url.password)),
      shown: host.startsWith('/')
        ? `database ${database} at ${place} as ${user}`
        : `postgres://${user}@${place}/${database}`,
    },
  };
}

const isTlsMode = (text: string): text is TlsMode => (tlsModes as readonly string[]).includes(text);

/** Where nobody can listen in between. */
const isLocal = (host: string): boolean => host.startsWith('/') || /^(localhost|127\..*|::1)$/.test(host);

const optional = <Name extends string>(name: Name, value: string | undefined): { readonly [key in Name]?: string } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [key in Name]?: string };

/** A URL of this kind may have no host where a parameter names a folder: then the parser needs one that it takes out. */
function parse(text: string): URL | undefined {
  const url = URL.parse(text);
  if (url !== null) return url;
  return URL.parse(text.replace(/^(postgres(?:ql)?:\/\/[^/@]*@)(?=[:/])/, '$1localhost')) ?? undefined;
}

/** With the files that it names under absolute paths. */
export function withAbsoluteFiles(text: string, folder: string): string {
  const at = text.indexOf('?');
  if (at < 0) return text;
  const given = new URLSearchParams(text.slice(at));
  for (const name of ['sslrootcert', 'sslcert', 'sslkey']) {
    const path = given.get(name);
    if (path !== null) given.set(name, resolve(folder, path));
  }
  return `${text.slice(0, at)}?${given.toString()}`;
}
