/** What a platform on a Swarm is made with and this data directory keeps: its authority, the first key, files by path. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { adminKeyFile, writePrivateFile } from '../../auth/key-table.ts';
import { makeKey } from '../../auth/key.ts';
import type { Specification } from '../../config/specification.ts';
import type { StackMaterial } from '../../drivers/orchestrators/swarm/stack/files.ts';
import { filesOfControl, filesOfGateway } from '../../drivers/orchestrators/swarm/stack/specification-files.ts';
import { FlyballError } from '../../errors.ts';
import { makeDirectory } from '../../store/make-directory.ts';
import { directoryError } from '../../store/directory-failure.ts';
import type { IssuedCertificate } from '../../tls/authority.ts';
import { identityOf, openPlatformAuthority } from '../../tls/platform-authority.ts';
import { localKey } from '../connect.ts';

/** Of a secret, by the engine. */
const secretBytesMax = 500 * 1024;
const identityMs = 365 * 86_400_000;

export async function openAuthority(dataDirectory: string, name: string, at: number): Promise<IssuedCertificate> {
  try {
    makeDirectory(dataDirectory);
  } catch (error) {
    throw directoryError(dataDirectory, error);
  }
  return await openPlatformAuthority(dataDirectory, name, at);
}

/** `hasIdentity`: gateways have a certificate that goes on. */
export async function stackMaterial(
  specification: Specification,
  dataDirectory: string,
  authority: IssuedCertificate,
  { hasIdentity, at }: { readonly hasIdentity: boolean; readonly at: number },
): Promise<StackMaterial> {
  const paths = new Set([...filesOfControl(specification), ...filesOfGateway(specification)]);
  const files = await Promise.all([...paths].map(async (path) => [path, await contentOf(path)] as const));
  const identity = (): string => {
    const { certificate, key } = identityOf(authority, 'gateway', 'client', at, identityMs);
    return certificate + key + authority.certificate;
  };
  return {
    authority: authority.certificate + authority.key,
    ...(hasIdentity ? {} : { identity: identity() }),
    ...(specification.auth.keys === 'required' ? { adminKey: await adminKey(dataDirectory) } : {}),
    files: new Map(files),
  };
}

/** One that is there is used again. */
async function adminKey(dataDirectory: string): Promise<string> {
  const found = localKey(dataDirectory);
  if (found !== undefined && found !== '') return `${found}\n`;
  const { secret } = makeKey();
  await writePrivateFile(join(dataDirectory, adminKeyFile), `${secret}\n`);
  return `${secret}\n`;
}

async function contentOf(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    throw new FlyballError('SECRET_UNUSABLE', `cannot read ${path}, which the specification names: ${cause.message}`, {
      cause,
    });
  });
  const bytes = Buffer.byteLength(text);
  if (bytes > 0 && bytes <= secretBytesMax) return text;
  throw new FlyballError(
    'SECRET_UNUSABLE',
    `${path}: expected 1 to ${secretBytesMax} bytes, which is what a secret of a Swarm may have, got ${bytes}`,
  );
}
