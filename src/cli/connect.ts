/** The control client that a verb's options and environment ask for, and who is asking. */
import { userInfo } from 'node:os';
import { controlClient, type ControlClient } from './control-client.ts';
import { stringOption, type Invocation } from './declaration.ts';

export const defaultControlUrl = 'http://127.0.0.1:8080';

export function controlUrl({ values, terminal }: Pick<Invocation, 'values' | 'terminal'>): string {
  return stringOption(values, 'url') ?? filled(terminal.env['FLYBALL_URL']) ?? defaultControlUrl;
}

export function connect(invocation: Pick<Invocation, 'values' | 'terminal'>): ControlClient {
  return controlClient({
    url: controlUrl(invocation),
    apiKey: filled(invocation.terminal.env['FLYBALL_API_KEY']),
  });
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
