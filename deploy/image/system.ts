/**
 * What an image from nothing needs below its programs: the C and C++ libraries that they are linked to, as this machine
 * has them, and the few files of /etc that the C library reads. On a base image none of it is taken.
 */
import { execFile } from 'node:child_process';
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import type { Entry } from './tar.ts';
import { fileOf, textOf } from './entries.ts';

const run = promisify(execFile);

/** `root`: below it lies what is linked to by a path of its own; that comes with its package. */
export async function systemEntries(binaries: readonly string[], root: string): Promise<Entry[]> {
  const libraries = new Set<string>();
  for (const binary of binaries) {
    const { stdout } = await run('ldd', [binary]);
    for (const path of librariesIn(stdout)) if (!path.startsWith(`${root}/`)) libraries.add(path);
  }
  const libc = [...libraries].find((path) => path.endsWith('/libc.so.6'));
  if (libc === undefined) throw new Error('expected Linux with glibc, as the packages are built for; this has none');
  // Loaded by name, not linked: before glibc 2.34, names were looked up by these.
  for (const name of ['libnss_files.so.2', 'libnss_dns.so.2']) {
    const path = join(dirname(libc), name);
    if (existsSync(path)) libraries.add(path);
  }
  const licences = await licencesOf([...libraries]);
  return [
    ...[...libraries].map((path) => fileOf(path.slice(1), realpathSync(path), 0o755)),
    ...licences,
    { path: 'tmp', kind: 'directory', mode: 0o1777 },
    textOf('etc/passwd', 'root:x:0:0::/:/sbin/nologin\nflyball:x:65532:65532::/var/lib/flyball:/sbin/nologin\n'),
    textOf('etc/group', 'root:x:0:\nflyball:x:65532:\n'),
    // Without it the C library asks a name server before it reads /etc/hosts.
    textOf('etc/nsswitch.conf', 'passwd: files\ngroup: files\nhosts: files dns\n'),
  ];
}

/** `ldd` prints `name => /path (0x…)`, and the loader as `/path (0x…)`. */
export function librariesIn(output: string): readonly string[] {
  return [...output.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].map(([, path = '']) => path);
}

/** As Debian and its like have them; elsewhere the packages' names are not known, and nothing is claimed. */
async function licencesOf(libraries: readonly string[]): Promise<readonly Entry[]> {
  const paths = libraries.flatMap((path) => [path, realpathSync(path)]);
  // It fails for the names that it does not know, and prints the others all the same.
  const output = await run('dpkg-query', ['--search', ...paths]).then(
    ({ stdout }) => stdout,
    (error: { readonly stdout?: string }) => error.stdout ?? '',
  );
  const packages = new Set(output.split('\n').flatMap((line) => /^([^:,\s]+)/.exec(line)?.[1] ?? []));
  return [...packages].toSorted().flatMap((name) => {
    const path = `/usr/share/doc/${name}/copyright`;
    return existsSync(path) ? [{ ...textOf(path.slice(1), ''), content: readFileSync(path) }] : [];
  });
}
