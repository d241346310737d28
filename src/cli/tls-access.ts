/**
 * Whom the command line trusts over https and grpcs, and who it says to be. `--ca-file` or FLYBALL_CA_FILE name an
 * authority; the platform on this user's own data directory is known by its very certificate, whatever name it is for.
 */
import { readFileSync } from 'node:fs';
import { FlyballError } from '../errors.ts';
import { stringOption, type Invocation } from './declaration.ts';

/** As node:tls takes it. */
export interface TlsAccess {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  /** A certificate that is trusted by itself need not lead to an authority, nor be for the name in the address. */
  readonly allowPartialTrustChain?: boolean;
  readonly checkServerIdentity?: () => undefined;
}

/** `own`: file of the certificate that the platform on this data directory serves with. */
export function tlsAccess({ values, terminal }: Pick<Invocation, 'values' | 'terminal'>, own?: string): TlsAccess {
  const { env } = terminal;
  const caFile = stringOption(values, 'ca-file') ?? filled(env['FLYBALL_CA_FILE']);
  const certFile = filled(env['FLYBALL_CERT_FILE']);
  const keyFile = filled(env['FLYBALL_KEY_FILE']);
  return {
    ...(caFile !== undefined && { ca: read(caFile) }),
    ...(caFile === undefined && own !== undefined && trusted(read(own))),
    ...(certFile !== undefined && { cert: read(certFile) }),
    ...(keyFile !== undefined && { key: read(keyFile) }),
  };
}

const trusted = (ca: string): TlsAccess => ({
  ca,
  allowPartialTrustChain: true,
  checkServerIdentity: () => undefined,
});

const filled = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new FlyballError('TLS_UNUSABLE', `cannot read ${path}: ${(cause as Error).message}`, { cause });
  }
}
