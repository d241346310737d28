/**
 * What replicas were measured to hold, across restarts of control: most deployments of a memory budget sleep, so nobody
 * could be asked again, and a guess in place of a measurement puts others to sleep in vain.
 * Best effort: on a full disk the memory lasts as long as control does.
 */
import type { Store } from '../store/store.ts';

export interface SizeMemory {
  /** Bytes by template. */
  read(deployment: string): Promise<Map<string, number>>;
  note(deployment: string, template: string, bytes: number): void;
  forget(deployment: string): void;
}

type Sizes = Record<string, Record<string, number>>;

const sizesKey = 'control.residentBytes';
/** Replicas tell their memory all the time; what is this near to what was written is not written again. */
const tolerance = 1 / 8;
/** Of one deployment: what serves, what is to serve, what is in reserve, and one before. */
const templatesMax = 4;

export function openSizeMemory(store: Store): SizeMemory {
  let loading: Promise<Map<string, Map<string, number>>> | undefined;
  let kept = new Map<string, Map<string, number>>();
  let writing: Promise<void> = Promise.resolve();
  let queued = false;

  async function load(): Promise<typeof kept> {
    const text = await store.meta(sizesKey);
    const sizes = text === undefined ? {} : (JSON.parse(text) as Sizes);
    kept = new Map(Object.entries(sizes).map(([name, own]) => [name, new Map(Object.entries(own))]));
    return kept;
  }

  /** One write for all that changes until it begins. */
  function write(): void {
    if (queued) return;
    queued = true;
    writing = writing
      .then(() => {
        queued = false;
        const sizes: Sizes = Object.fromEntries([...kept].map(([name, own]) => [name, Object.fromEntries(own)]));
        return store.setMeta(sizesKey, JSON.stringify(sizes));
      })
      .catch(() => {}); // a disk that is full is told by whatever has to be written next
  }

  return {
    async read(deployment) {
      loading ??= load();
      return new Map((await loading).get(deployment));
    },
    note(deployment, template, bytes) {
      const own = kept.get(deployment) ?? new Map<string, number>();
      const before = own.get(template);
      if (before !== undefined && Math.abs(bytes - before) <= before * tolerance) return;
      // The newest last, so that the first one is the one to part with.
      own.delete(template);
      own.set(template, bytes);
      for (const oldest of own.keys()) {
        if (own.size <= templatesMax) break;
        own.delete(oldest);
      }
      kept.set(deployment, own);
      write();
    },
    forget(deployment) {
      if (kept.delete(deployment)) write();
    },
  };
}
