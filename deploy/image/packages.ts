/**
 * Which packages run in production, out of package-lock.json: what the package's own dependencies lead to, without what
 * they need for their installation alone. Folders are looked up as Node looks them up.
 */
export interface LockedPackage {
  readonly version?: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly libc?: readonly string[];
}

/** package-lock.json, version 3: folder → package; the package itself has the empty folder. */
export type Lock = Readonly<Record<string, LockedPackage>>;

/**
 * What a package names among its dependencies and runs at its installation only: downloads, compilers, command lines. In
 * an image they would be a hundred packages that nothing loads.
 */
const forInstallation: Readonly<Record<string, readonly string[]>> = {
  'onnxruntime-node': ['adm-zip', 'global-agent'],
  '@julusian/jpeg-turbo': ['cmake-js', 'node-addon-api'],
  'pkg-prebuilds': ['yargs'],
};

/** Folders of the packages, `node_modules/…`, sorted. Linux with glibc on processor `cpu` (`x64`, `arm64`). */
export function packagesOf(lock: Lock, cpu: string): readonly string[] {
  const found = new Set<string>();
  const visit = (folder: string): void => {
    const locked = lock[folder] ?? {};
    const name = folder.slice(folder.lastIndexOf('node_modules/') + 'node_modules/'.length);
    const unneeded = forInstallation[name] ?? [];
    const isOptional = (dependency: string): boolean => dependency in (locked.optionalDependencies ?? {});
    for (const dependency of Object.keys({ ...locked.dependencies, ...locked.optionalDependencies })) {
      if (unneeded.includes(dependency)) continue;
      const at = lookUp(lock, folder, dependency);
      if (at === undefined) {
        if (isOptional(dependency)) continue;
        throw new Error(`package-lock.json: ${name} needs ${dependency}, which is not there`);
      }
      if (found.has(at) || (isOptional(dependency) && !runsHere(lock[at] ?? {}, cpu))) continue;
      found.add(at);
      visit(at);
    }
  };
  visit('');
  return [...found].toSorted();
}

function lookUp(lock: Lock, from: string, dependency: string): string | undefined {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/node_modules/')))) {
    const candidate = `${folder === '' ? '' : `${folder}/`}node_modules/${dependency}`;
    if (candidate in lock) return candidate;
    if (folder === '') return undefined;
  }
}

function runsHere({ os, cpu, libc }: LockedPackage, processor: string): boolean {
  const fits = (allowed: readonly string[] | undefined, value: string): boolean => allowed?.includes(value) ?? true;
  return fits(os, 'linux') && fits(cpu, processor) && fits(libc, 'glibc');
}
