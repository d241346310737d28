/**
 * Who may move a deployment's target, and whether anybody may at all: kept in the store, journalled with each change,
 * and asked by whoever is about to act.
 *
 *   advise: nobody but people · approve: the governor, once a person has agreed · auto: the governor
 *   halt: no target is changed by itself, whatever the mode · halt of all: upkeep restores and wakes nothing either
 *   halt of one deployment: its target alone, beside that of the platform; each is released by itself
 */
import type { Clock } from '../../clock.ts';
import type { Mode } from '../../config/specification.ts';
import { FlyballError } from '../../errors.ts';
import type { Journal } from '../../journal/open-journal.ts';
import type { Store, StoreAccess } from '../../store/store.ts';
import type { Deployment } from '../deployments.ts';

export interface Halt {
  readonly scope: 'targets' | 'all';
  readonly by: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly reason: string;
}

export interface ModeInForce {
  readonly mode: Mode;
  readonly reason: string;
  readonly by: string;
  /** Unix milliseconds; absent where the specification says it. */
  readonly at?: number;
}

export interface Modes {
  of(deployment: Deployment): ModeInForce;
  /** `details`: what the reason rests on, for the journal. */
  set(
    name: string,
    request: { readonly mode: Mode; readonly by: string; readonly reason: string; readonly details?: unknown },
  ): Promise<void>;
  /** Whoever comes later under the name of one that is gone does not inherit its mode. */
  retain(isThere: (name: string) => boolean): void;
  /** What stops this deployment: the platform's halt, else its own. Without a name: the platform's. */
  halt(deployment?: string): Halt | undefined;
  /** Of single deployments, by name. */
  halts(): Readonly<Record<string, Halt>>;
  setHalt(request: {
    readonly scope: Halt['scope'];
    readonly by: string;
    readonly reason: string;
    readonly deployment?: string;
  }): Promise<void>;
  /** CONFLICT when nothing is halted. */
  release(request: { readonly by: string; readonly reason: string; readonly deployment?: string }): Promise<void>;
}

const modesKey = 'governor.modes';
const haltKey = 'governor.halt';
const haltsKey = 'governor.halts';

type Kept = Readonly<Record<string, ModeInForce>>;

export async function openModes(store: Store, journal: Journal, clock: Clock): Promise<Modes> {
  let kept = (await read<Kept>(store, modesKey)) ?? {};
  let halted = (await read<Halt | null>(store, haltKey)) ?? undefined;
  let own = (await read<Readonly<Record<string, Halt>>>(store, haltsKey)) ?? {};

  const without = <Value>(all: Readonly<Record<string, Value>>, isThere: (name: string) => boolean) =>
    Object.fromEntries(Object.entries(all).filter(([name]) => isThere(name)));

  return {
    of({ name, record }) {
      const said = kept[name];
      if (said !== undefined) return said;
      // A record that an earlier release has written knows no such setting.
      const scaling: Partial<typeof record.specification>['scaling'] = record.specification.scaling;
      const mode = scaling?.mode ?? 'advise';
      return { mode, by: 'specification', reason: scaling?.modeReason ?? 'nobody has said otherwise' };
    },
    async set(name, { mode, by, reason, details }) {
      const at = clock.wall();
      await store.transaction(async (access) => {
        const next = { ...kept, [name]: { mode, by, reason, at } };
        await access.setMeta(modesKey, JSON.stringify(next));
        await journal.append(access, { kind: 'mode', action: mode, subject: name, by, reason, details });
        kept = next;
      });
    },
    retain(isThere) {
      // The next control would see the same and do the same.
      if (!Object.keys(kept).every(isThere)) {
        kept = without(kept, isThere);
        void store.setMeta(modesKey, JSON.stringify(kept)).catch(() => undefined);
      }
      if (!Object.keys(own).every(isThere)) {
        own = without(own, isThere);
        void store.setMeta(haltsKey, JSON.stringify(own)).catch(() => undefined);
      }
    },
    halt: (name) => halted ?? (name === undefined ? undefined : own[name]),
    halts: () => own,
    async setHalt({ scope, by, reason, deployment }) {
      const halt: Halt = { scope, by, reason, at: clock.wall() };
      // At once, and again from the store: whoever says stop is not made to wait for a disk.
      if (deployment === undefined) halted = halt;
      else own = { ...own, [deployment]: halt };
      await store.transaction(async (access) => {
        if (deployment === undefined) await access.setMeta(haltKey, JSON.stringify(halt));
        else await access.setMeta(haltsKey, JSON.stringify(own));
        const action = scope === 'all' ? 'halt all' : 'halt';
        await journal.append(access, { kind: 'halt', action, subject: deployment ?? 'platform', by, reason });
      });
    },
    async release({ by, reason, deployment }) {
      if (deployment !== undefined) {
        if (own[deployment] === undefined) throw new FlyballError('CONFLICT', `${deployment} is not halted by itself`);
        const next = without(own, (name) => name !== deployment);
        await store.transaction(async (access) => {
          await access.setMeta(haltsKey, JSON.stringify(next));
          await journal.append(access, { kind: 'halt', action: 'release', subject: deployment, by, reason });
        });
        own = without(own, (name) => name !== deployment);
        return;
      }
      if (halted === undefined) throw new FlyballError('CONFLICT', 'nothing is halted');
      await store.transaction(async (access) => {
        await access.setMeta(haltKey, 'null');
        await journal.append(access, { kind: 'halt', action: 'release', subject: 'platform', by, reason });
      });
      halted = undefined;
    },
  };
}

async function read<Value>(access: StoreAccess, key: string): Promise<Value | undefined> {
  const text = await access.meta(key);
  return text === undefined ? undefined : (JSON.parse(text) as Value);
}
