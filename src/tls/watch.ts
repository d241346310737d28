/**
 * Certificates that change while the platform runs: looks at the files every second and on demand (SIGHUP), and hands
 * out what is whole and works. A pair that is half written, or does not fit, changes nothing and is said once.
 * Files are looked at by path, so that a link that is swapped (as Kubernetes does) counts as a change.
 */
import { statSync } from 'node:fs';
import type { Clock } from '../clock.ts';
import { toFlyballError } from '../errors.ts';
import { publish } from '../telemetry/events.ts';
import { loadTls, type TlsFiles, type TlsMaterial } from './certificate.ts';

export interface WatchedTls {
  /** The setting, for messages. */
  readonly what: string;
  readonly files: TlsFiles;
}

export interface TlsWatch {
  /** What is in force. */
  current(name: string): TlsMaterial | undefined;
  /** Reads all files again, changed or not. */
  reload(): void;
  close(): void;
}

const lookEveryMs = 1000;

/** Throws TLS_UNUSABLE when one does not work at the start. */
export function watchTls(
  listeners: ReadonlyMap<string, WatchedTls>,
  clock: Clock,
  onChange: (name: string, material: TlsMaterial) => void,
): TlsWatch {
  const seen = new Map<string, string>();
  const current = new Map<string, TlsMaterial>();
  for (const [name, { what, files }] of listeners) {
    seen.set(name, stampOf(files));
    current.set(name, loadTls(what, files, clock.wall()));
  }

  function look(name: string, { what, files }: WatchedTls, anyway: boolean): void {
    const stamp = stampOf(files);
    if (stamp === seen.get(name) && !anyway) return;
    seen.set(name, stamp);
    try {
      const material = loadTls(what, files, clock.wall());
      const before = current.get(name);
      if (before?.cert === material.cert && before.key === material.key && before.ca === material.ca) return;
      current.set(name, material);
      onChange(name, material);
      const until = new Date(material.notAfter).toISOString();
      publish('flyball:control', {
        action: 'certificate renewed',
        subject: name,
        by: 'file',
        reason: `good until ${until}`,
      });
    } catch (thrown) {
      const { message } = toFlyballError(thrown);
      publish('flyball:fault', {
        where: `certificate of ${name}`,
        message: `${message}; the one before stays in force`,
      });
    }
  }
  const lookAtAll = (anyway: boolean): void => {
    for (const [name, watched] of listeners) look(name, watched, anyway);
  };

  let cancel = (): void => {};
  const lookRegularly = (): void => {
    cancel = clock.after(lookEveryMs, () => {
      lookAtAll(false);
      lookRegularly();
    });
  };
  if (listeners.size > 0) lookRegularly();

  return {
    current: (name) => current.get(name),
    reload: () => lookAtAll(true),
    close: () => cancel(),
  };
}

function stampOf({ certificate, key, clientCa }: TlsFiles): string {
  return [certificate, key, clientCa]
    .map((path) => {
      const found = path === undefined ? undefined : statSync(path, { throwIfNoEntry: false, bigint: true });
      return found === undefined ? '' : `${found.dev} ${found.ino} ${found.size} ${found.mtimeNs}`;
    })
    .join('|');
}
