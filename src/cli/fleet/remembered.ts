/**
 * Where the platform of a data directory runs when it is not on this machine: written by `flyball up --orchestrator swarm`,
 * so that other verbs need no flags. Its key is `admin.key` beside it; nothing in this file is a secret.
 */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface RememberedFleet {
  readonly orchestrator: 'swarm';
  /** Name of the platform. */
  readonly name: string;
  /** Of a manager's engine. */
  readonly socket: string;
  readonly image: string;
  /** Addresses, of which any may be gone: of control, and of the gateways' listeners. */
  readonly control: readonly string[];
  readonly http: readonly string[];
  readonly grpc: readonly string[];
  /** File of a listener's certificate on this machine, where it speaks TLS. */
  readonly certificates: Readonly<Partial<Record<'control' | 'http' | 'grpc', string>>>;
}

const fileName = 'fleet.json';

export function rememberFleet(dataDirectory: string, fleet: RememberedFleet): void {
  const path = join(dataDirectory, fileName);
  writeFileSync(`${path}.new`, `${JSON.stringify(fleet, null, 2)}\n`);
  renameSync(`${path}.new`, path);
}

export function forgetFleet(dataDirectory: string): void {
  rmSync(join(dataDirectory, fileName), { force: true });
}

/** Undefined where there is none, or a file that cannot be read as one. */
export function rememberedFleet(dataDirectory: string): RememberedFleet | undefined {
  try {
    const found = JSON.parse(readFileSync(join(dataDirectory, fileName), 'utf8')) as RememberedFleet;
    return [found.control, found.http, found.grpc].every((urls) => Array.isArray(urls) && urls.length > 0)
      ? found
      : undefined;
  } catch {
    return undefined;
  }
}
