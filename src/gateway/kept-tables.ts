/**
 * The last tables of control on the gateway's own disk: what a worker serves with that starts while control is dead. On
 * control's machine control writes them; elsewhere the gateway does.
 * Invariant: no file is ever half written, and an older table never replaces a newer one of the same worker.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyTableFile, readKeyTable, writePrivateFile, type KeyTable } from '../auth/key-table.ts';
import { publish } from '../telemetry/events.ts';
import type { RoutingTable } from './routing-table.ts';

/** In the run directory. */
export const routingTableFile = 'routing-table.json';

export interface KeptTables {
  /** The highest of what is on the disk; 0 where nothing is. */
  readonly epoch: number;
  /** Nobody waits for it; a table that comes while another is written replaces those that wait. */
  keep(table: { readonly routing: RoutingTable } | { readonly keys: KeyTable }): void;
  /** When all that was given has been written. */
  settled(): Promise<void>;
}

/** `worker`: several share the directory, and each writes both files. */
export function openKeptTables(runDirectory: string, worker: number): KeptTables {
  const routing = keptFile(join(runDirectory, routingTableFile), worker);
  const keys = keptFile(join(runDirectory, keyTableFile), worker);
  return {
    epoch: Math.max(
      readLastTable(join(runDirectory, routingTableFile))?.epoch ?? 0,
      readKeyTable(join(runDirectory, keyTableFile)).epoch ?? 0,
    ),
    keep(table) {
      if ('routing' in table) routing.write(table.routing);
      else keys.write(table.keys);
    },
    async settled() {
      await Promise.all([routing.settled(), keys.settled()]);
    },
  };
}

function keptFile(path: string, worker: number) {
  let next: object | undefined;
  let writing: Promise<void> | undefined;

  async function writeAll(): Promise<void> {
    while (next !== undefined) {
      const text = JSON.stringify(next);
      next = undefined;
      try {
        await writePrivateFile(path, text, `${path}.${worker}.new`);
      } catch (error) {
        // It serves with what it has in memory; only the next worker would start with an older one.
        const message = `cannot keep ${path}: ${error instanceof Error ? error.message : String(error)}`;
        publish('flyball:fault', { where: 'control link', message, error });
      }
    }
    writing = undefined;
  }

  return {
    write(table: object): void {
      next = table;
      writing ??= writeAll();
    },
    settled: async (): Promise<void> => writing,
  };
}

/** The table that control or a worker left on disk, so that a worker serves at once although control may be dead. */
export function readLastTable(path: string): RoutingTable | undefined {
  try {
    return JSON.parse(readFileSync(path, 'utf8')) as RoutingTable;
  } catch {
    // None yet, or one that a crash left half-written: control will send the table.
    return undefined;
  }
}
