/**
 * The control client that a verb's options and environment ask for, and who is asking. Without --url and FLYBALL_URL it
 * is the platform that runs on this folder's data directory, wherever its port has moved to; else the usual port.
 */
import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { FlyballError } from '../errors.ts';
import { controlClient, type ControlClient } from './control-client.ts';
import { dataDirectoryPath } from './data-directory-path.ts';
import { stringOption, type Invocation } from './declaration.ts';

export const defaultControlUrl = 'http://127.0.0.1:8080';

/** UNREACHABLE when a data directory is named that nobody runs on: whoever is at the usual port is not who is meant. */
export function controlUrl(invocation: Pick<Invocation, 'values' | 'terminal'>): string {
  const given = stringOption(invocation.values, 'url') ?? filled(invocation.terminal.env['FLYBALL_URL']);
  if (given !== undefined) return given;
  const dataDirectory = dataDirectoryPath(invocation);
  const announced = announcedUrl(dataDirectory);
  if (announced !== undefined) return announced;
  const isNamed =
    stringOption(invocation.values, 'data-dir') !== undefined ||
    filled(invocation.terminal.env['FLYBALL_DATA_DIR']) !== undefined;
  if (isNamed) throw new FlyballError('UNREACHABLE', `nothing that this user may see is running on ${dataDirectory}`);
  return defaultControlUrl;
}

/**
 * Read here and not through the store's own reader, which would load SQLite for every verb. A file that a dead process
 * has left proves nothing.
 */
function announcedUrl(dataDirectory: string, listener = 'control'): string | undefined {
  try {
    const told = JSON.parse(readFileSync(join(dataDirectory, 'supervisor.json'), 'utf8')) as {
      readonly pid: number;
      readonly listeners: Readonly<Record<string, { readonly url: string }>>;
    };
    process.kill(told.pid, 0);
    return told.listeners[listener]?.url;
  } catch {
    return undefined;
  }
}

/** Of the platform on this data directory, unless another one was named. */
export function announcedListener(
  { values, terminal }: Pick<Invocation, 'values' | 'terminal'>,
  listener: 'http' | 'grpc',
): string | undefined {
  if ((values['url'] ?? filled(terminal.env['FLYBALL_URL'])) !== undefined) return undefined;
  return announcedUrl(dataDirectoryPath({ values, terminal }), listener);
}

export function connect(invocation: Pick<Invocation, 'values' | 'terminal'>): ControlClient {
  return controlClient({
    url: controlUrl(invocation),
    apiKey: apiKeyOf(invocation),
  });
}

/**
 * FLYBALL_API_KEY; without it the first key, which `up` left in the data directory for its owner alone. That one goes
 * to the platform on this data directory and to nobody else: not to an address that was named.
 */
export function apiKeyOf({ values, terminal }: Pick<Invocation, 'values' | 'terminal'>): string | undefined {
  const given = filled(terminal.env['FLYBALL_API_KEY']);
  if (given !== undefined) return given;
  const named = [values['url'], values['http-url'], filled(terminal.env['FLYBALL_URL'])];
  if (named.some((each) => each !== undefined)) return undefined;
  const dataDirectory = dataDirectoryPath({ values, terminal });
  return announcedUrl(dataDirectory) === undefined ? undefined : localKey(dataDirectory);
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
