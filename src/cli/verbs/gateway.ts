/**
 * `flyball gateway`: the gateway workers of a machine whose control is on another one. They learn what they serve through
 * control's doors, keep it, and serve on while no door answers.
 */
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { FlyballError } from '../../errors.ts';
import { identityIn, readIdentity } from '../../tls/identity-file.ts';
import type { PeerIdentity } from '../../tls/peer.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { parseDoors } from '../doors.ts';
import { UsageError, type ExitCode } from '../exit-codes.ts';
import { nodeName } from '../node-name.ts';
import { loadFrom } from '../prepare.ts';
import { runRole } from '../run-role.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const loaded = await loadFrom(positionals[0], terminal);
  const { door, identity } = values;
  const doors = parseDoors(Array.isArray(door) ? door : []);
  if (typeof identity !== 'string') {
    throw new UsageError(
      'gateway expects --identity FILE: certificate, key and authority in PEM, issued by the authority of its control',
    );
  }
  return await runRole(invocation, loaded, {
    kind: 'gateway',
    identity: await gatewayIdentity(resolve(terminal.cwd, identity)),
    doors,
    node: nodeName(stringOption(values, 'node') ?? hostname()),
  });
}

/** That it has expired is no hindrance where the one before has been renewed and kept: the supervisor looks. */
async function gatewayIdentity(path: string): Promise<PeerIdentity> {
  const identity = await readIdentity('--identity', path);
  const named = identityIn(identity.certificate);
  if (named === 'gateway') return identity;
  throw new FlyballError(
    'TLS_UNUSABLE',
    `--identity: expected a certificate of gateway in ${path}, got one of ${named ?? 'nobody'}`,
  );
}
