/** What the status says of the store: who may change it, and what goes when that machine does. Pure. */
import type { StatusView } from '../api/schemas.ts';
import type { StoreSettings } from '../config/store-specification.ts';

const shared = 'another control that waits for the lease takes over, with the models';
const leftHere = 'series and request log stay on this machine (docs/store.md)';
const unsealed = "so do the authority and the first key's file, without store.sealKeyFile";
const alone =
  'gateways here serve on without it until it is back; with this machine goes what came after the last backup';
const bound = (node: string): string =>
  `it is bound to ${node} and its volume: gateways and replicas on other nodes serve on, and nothing is scaled, healed or changed until ${node} is back; with its disk goes what came after the last backup`;
const followed = (leaseMs: number): string =>
  `gateways and replicas serve on, and ${shared}, within ${Math.ceil(leaseMs / 1000) + 1} s`;

/**
 * `holder`: of the lease, where there is one; else this machine. `hasSecrets`: as every other machine has them. `isAlone`:
 * gateways are on other machines.
 */
export const storeSeen = (
  settings: StoreSettings,
  databasePath: string,
  holder: string,
  token: number | undefined,
  hasSecrets: boolean,
  isAlone = false,
): NonNullable<StatusView['store']> =>
  settings.kind === 'sqlite'
    ? { kind: 'sqlite', place: databasePath, holder, loss: isAlone ? bound(holder) : alone }
    : {
        kind: 'postgres',
        place: settings.url,
        holder,
        ...(token !== undefined && { token }),
        loss: [isAlone ? followed(settings.leaseMs) : shared, leftHere, ...(hasSecrets ? [] : [unsealed])].join('; '),
      };
