/**
 * The control client that a verb's options and environment ask for, and who is asking. Without --url and FLYBALL_URL it
 * is the platform that runs on this folder's data directory, wherever its port has moved to; else the usual port.
 */
import { accessSync, constants, readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { FlyballError } from '../errors.ts';
import { controlClient, type ControlClient } from './control-client.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import { stringOption, type Invocation } from './declaration.ts';
import { rememberedFleet } from './fleet/remembered.ts';
import { tlsAccess, type TlsAccess } from './tls-access.ts';

export const defaultControlUrl = 'http://127.0.0.1:8080';

/** UNREACHABLE when a data directory is named that nobody runs on: whoever is at the usual port is not who is meant. */
export function controlUrl(invocation: Pick<Invocation, 'values' | 'terminal'>): string {
  const given = stringOption(invocation.values, 'url') ?? filled(invocation.terminal.env['FLYBALL_URL']);
  if (given !== undefined) return given;
  const dataDirectory = dataDirectoryPath(invocation);
  const running = announced(dataDirectory);
  if (running?.['control'] !== undefined) return running['control'].url;
  if (running !== undefined) {
    const what = `what runs on ${dataDirectory} is a gateway, whose control is elsewhere`;
    throw new FlyballError('UNREACHABLE', `${what}: name the address of that with --url`);
  }
  const isNamed =
    stringOption(invocation.values, 'data-dir') !== undefined ||
    filled(invocation.terminal.env['FLYBALL_DATA_DIR']) !== undefined;
  if (isNamed) throw new FlyballError('UNREACHABLE', `nothing that this user may see is running on ${dataDirectory}`);
  return defaultControlUrl;
}

interface Announced {
  readonly url: string;
  /** Where the same is reached as well, on other nodes. */
  readonly others?: readonly string[];
  readonly certificate?: string | undefined;
  readonly socket?: string;
}

/**
 * Read here and not through the store's own reader, which would load SQLite for every verb. A file that a dead process
 * has left proves nothing.
 */
function announced(dataDirectory: string): Readonly<Record<string, Announced>> | undefined {
  try {
    const told = JSON.parse(readFileSync(join(dataDirectory, 'supervisor.json'), 'utf8')) as {
      readonly pid: number;
      readonly listeners: Readonly<Record<string, Announced>>;
    };
    process.kill(told.pid, 0);
    return told.listeners;
  } catch {
    return onFleet(dataDirectory);
  }
}

/** Of the platform that `flyball up` has put on a Swarm from this data directory. */
function onFleet(dataDirectory: string): Readonly<Record<string, Announced>> | undefined {
  const fleet = rememberedFleet(dataDirectory);
  if (fleet === undefined) return undefined;
  const of = (name: 'control' | 'http' | 'grpc'): Announced => {
    const [url = '', ...others] = fleet[name];
    return { url, others, certificate: fleet.certificates[name] };
  };
  return { control: of('control'), http: of('http'), grpc: of('grpc') };
}

type Asked = Pick<Invocation, 'values' | 'terminal'>;

/** What runs on this data directory, unless an address was named. */
function local(asked: Asked): Readonly<Record<string, Announced>> | undefined {
  if ((asked.values['url'] ?? filled(asked.terminal.env['FLYBALL_URL'])) !== undefined) return undefined;
  return announced(dataDirectoryPath(asked));
}

/** Of the platform on this data directory, unless another one was named. */
export function announcedListener(asked: Asked, listener: 'http' | 'grpc'): string | undefined {
  return local(asked)?.[listener]?.url;
}

/** Gateways on the nodes of a Swarm; undefined for a platform of this machine, or one that was named. */
export function gatewaysOf(asked: Asked, listener: 'http' | 'grpc'): readonly string[] | undefined {
  const found = local(asked)?.[listener];
  return found?.others === undefined ? undefined : [found.url, ...found.others];
}

export function connect(invocation: Asked): ControlClient {
  const control = local(invocation)?.['control'];
  return controlClient({
    url: controlUrl(invocation),
    others: control?.others,
    apiKey: apiKeyOf(invocation),
    socketPath: reachable(control?.socket),
    tls: tlsAccess(invocation, control?.certificate),
  });
}

/** Another user's socket is there and cannot be opened: then the address is the way. */
function reachable(socket: string | undefined): string | undefined {
  try {
    if (socket !== undefined) accessSync(socket, constants.R_OK | constants.W_OK);
    return socket;
  } catch {
    return undefined;
  }
}

/** For inference: the certificate of the platform here is trusted as it is, unless an address was named. */
export function inferenceTls(invocation: Asked, listener: 'http' | 'grpc'): TlsAccess {
  const here = invocation.values['http-url'] === undefined ? local(invocation)?.[listener] : undefined;
  return tlsAccess(invocation, here?.certificate);
}

/**
 * FLYBALL_API_KEY; without it the first key, which `up` left in the data directory for its owner alone. That one goes
 * to the platform on this data directory and to nobody else: not to an address that was named.
 */
export function apiKeyOf(invocation: Asked): string | undefined {
  const given = filled(invocation.terminal.env['FLYBALL_API_KEY']);
  if (given !== undefined) return given;
  if (invocation.values['http-url'] !== undefined || local(invocation) === undefined) return undefined;
  return localKey(dataDirectoryPath(invocation));
}

export function localKey(dataDirectory: string): string | undefined {
  try {
    return readFileSync(join(dataDirectory, 'admin.key'), 'utf8').trim();
  } catch {
    // No keys there, or not this user's.
    return undefined;
  }
}

function filled(value: string | undefined): string | undefined {
  return value === '' ? undefined : value;
}

/** Kept beside each change as its owner. */
export function caller(env: Invocation['terminal']['env']): string {
  const named = filled(env['FLYBALL_USER']) ?? filled(env['USER']) ?? filled(env['USERNAME']);
  if (named !== undefined) return named;
  try {
    return userInfo().username;
  } catch {
    // A container's user may have no name at all.
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
