/** Who listens on a TCP port, in words, from /proc; on other systems, or without the right to look, an honest "another process". */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename } from 'node:path';

/** State of a listening socket in /proc/net/tcp. */
const listening = '0A';

function listeningInodes(port: number): Set<string> {
  const inodes = new Set<string>();
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  for (const table of ['/proc/net/tcp', '/proc/net/tcp6']) {
    let text: string;
    try {
      text = readFileSync(table, 'utf8');
    } catch {
      continue;
    }
    for (const line of text.split('\n').slice(1)) {
      const [, local, , state, , , , , , inode] = line.trim().split(/\s+/);
      if (local?.endsWith(wanted) === true && state === listening && inode !== undefined) inodes.add(inode);
    }
  }
  return inodes;
}

function processWith(inodes: ReadonlySet<string>): string | undefined {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (readdirSync(`/proc/${pid}/fd`).some((fd) => isSocket(`/proc/${pid}/fd/${fd}`, inodes)))
        return `${commandOf(pid)} (pid ${pid})`;
    } catch {
      // The process has ended in between, or belongs to somebody else: look further.
    }
  }
  return undefined;
}

function isSocket(link: string, inodes: ReadonlySet<string>): boolean {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(link))?.[1];
    return inode !== undefined && inodes.has(inode);
  } catch {
    // Closed in between; the others of the process may be open yet.
    return false;
  }
}

const commandLength = 60;

/** The command line, as `comm` names only a thread (`MainThread` for any Node); the program without its folders. */
function commandOf(pid: string): string {
  const [program = '', ...rest] = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').filter(Boolean);
  if (program === '') return readFileSync(`/proc/${pid}/comm`, 'utf8').trim();
  const words = [program.includes(' ') ? program : basename(program), ...rest].join(' ');
  return words.length <= commandLength ? words : `${words.slice(0, commandLength - 3)}...`;
}

/** `nobody`, `node (pid 4711)`, or `another process`. */
export function describePortHolder(port: number): string {
  const inodes = listeningInodes(port);
  if (inodes.size === 0) return 'nobody';
  return processWith(inodes) ?? 'another process';
}
