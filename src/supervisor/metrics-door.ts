/**
 * Keys at the metrics listener, which the supervisor serves: it has no link to control, so it reads the table of hashes
 * that control writes, whenever the file is another one than before.
 */
import { statSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { openAuthenticator } from '../auth/authenticator.ts';
import { presentedKey } from '../auth/key.ts';
import { readKeyTable } from '../auth/key-table.ts';
import type { Clock } from '../clock.ts';
import { toFlyballError } from '../errors.ts';
import { publish } from '../telemetry/events.ts';

/** Throws UNAUTHENTICATED, RATE_LIMITED, FORBIDDEN: metrics tell of the whole platform, to who may `read` it. */
export function metricsDoor(clock: Clock, tablePath: string): (request: IncomingMessage) => void {
  const auth = openAuthenticator(clock);
  let version = '';
  return (request) => {
    const found = statSync(tablePath, { throwIfNoEntry: false, bigint: true });
    // The table is replaced, never edited, so another table is another file.
    const now = found === undefined ? '' : `${found.ino} ${found.mtimeNs}`;
    if (now !== version) {
      auth.apply(readKeyTable(tablePath));
      version = now;
    }
    let by: string | undefined;
    try {
      const { authorization, 'x-api-key': apiKey } = request.headers;
      const holder = auth.authenticate(presentedKey(authorization, typeof apiKey === 'string' ? apiKey : undefined));
      by = holder.name;
      holder.admit();
      holder.require({ anyOf: ['read'] });
    } catch (thrown) {
      publish('flyball:refusal', { listener: 'metrics', code: toFlyballError(thrown).code, by });
      throw thrown;
    }
  };
}
