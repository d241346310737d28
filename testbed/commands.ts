/** Runs a program to its end; what it said is part of the error. */
import { execFile } from 'node:child_process';

/** Programs of the system are there, whatever the caller's PATH lacks. */
export const systemPath = `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;

export function execute(program: string, args: readonly string[], input?: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { env: { PATH: systemPath, LC_ALL: 'C' }, timeout: 30_000, maxBuffer: 16 << 20 },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new Error(`${[program, ...args].join(' ')}: ${stderr.trim() || error.message}`, { cause: error }));
      },
    );
    child.stdin?.on('error', () => {}); // it has ended without reading: its exit code says why
    child.stdin?.end(input);
  });
}

export const sleep = (ms: number): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, ms);
  });

/** Asks again and again until there is an answer; throws after `limitMs` with the last error as its cause. */
export async function until<T>(
  what: string,
  limitMs: number,
  check: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + limitMs;
  let last: unknown;
  for (;;) {
    try {
      const found = await check();
      if (found !== undefined) return found;
    } catch (error) {
      last = error;
    }
    if (performance.now() > end) throw new Error(`gave up after ${limitMs} ms: ${what}`, { cause: last });
    await sleep(25);
  }
}
