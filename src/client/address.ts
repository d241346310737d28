/** Where a server is, from one URL: host and port or a Unix socket, HTTP or gRPC, with or without TLS. */
import { FlyballError } from '../errors.ts';

export interface Address {
  readonly transport: 'http' | 'grpc';
  readonly secure: boolean;
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket; host and port are for the Host header then. */
  readonly socketPath?: string;
  /** Before every path, for servers behind a prefix; without a slash at its end. */
  readonly prefix: string;
  /** For messages. */
  readonly url: string;
}

const schemes: Readonly<Record<string, Pick<Address, 'transport' | 'secure'> & { readonly unix?: true }>> = {
  'http:': { transport: 'http', secure: false },
  'https:': { transport: 'http', secure: true },
  'grpc:': { transport: 'grpc', secure: false },
  'grpcs:': { transport: 'grpc', secure: true },
  'http+unix:': { transport: 'http', secure: false, unix: true },
  'grpc+unix:': { transport: 'grpc', secure: false, unix: true },
};

export function parseAddress(text: string, transport?: 'http' | 'grpc'): Address {
  const url = URL.parse(text);
  const scheme = schemes[url?.protocol ?? ''];
  if (url === null || scheme === undefined || (scheme.unix === undefined && url.hostname === '')) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `url: expected one like http://localhost:8000, https://…, grpc://localhost:8001, grpcs://… or http+unix:///path, got ${text}`,
    );
  }
  const { secure } = scheme;
  const chosen = transport ?? scheme.transport;
  if (scheme.unix === true) {
    const socketPath = decodeURIComponent(url.pathname);
    return { transport: chosen, secure, host: 'localhost', port: 80, socketPath, prefix: '', url: text };
  }
  const port = url.port === '' ? (secure ? 443 : chosen === 'grpc' ? 8001 : 80) : Number(url.port);
  const host = url.hostname.replaceAll(/^\[|\]$/g, '');
  return { transport: chosen, secure, host, port, prefix: url.pathname.replace(/\/+$/, ''), url: text };
}
