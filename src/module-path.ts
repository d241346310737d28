/** Paths of sibling modules that are started as processes or threads: `.ts` in a checkout, `.js` in the package. */
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';

/** `modulePath(import.meta.url, '../runner/process')` → the file to run, with the extension that the caller itself has. */
export function modulePath(from: string, relative: string): string {
  return fileURLToPath(new URL(relative + extname(fileURLToPath(from)), from));
}
