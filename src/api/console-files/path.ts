/**
 * The path of a request → the name under which a file of the console may be listed. Pure. Files are looked up in a list
 * and never opened by what a caller wrote, so this decides only what is answered, not what can be reached.
 */

export type ConsolePath =
  /** `assets/main-Ab12.js`; empty for the root. */
  | { readonly kind: 'name'; readonly name: string }
  /** Not a path that any of our pages asks for: climbing, hidden, encoded twice, not text. */
  | { readonly kind: 'trick' };

const longest = 1024;

export function toConsolePath(url: string): ConsolePath {
  const [raw = ''] = url.split(/[?#]/, 1);
  if (!raw.startsWith('/') || raw.length > longest) return { kind: 'trick' };
  let path: string;
  try {
    path = decodeURIComponent(raw);
  } catch {
    return { kind: 'trick' };
  }
  // Backslashes, control characters, and what would be a path again if somebody decoded it once more.
  // oxlint-disable-next-line no-control-regex
  if (/[\\%\u0000-\u001f\u007f]/.test(path)) return { kind: 'trick' };
  // A slash that was hidden as %2f would make other segments than the router saw.
  if (/%2f/i.test(raw)) return { kind: 'trick' };
  const segments = path.slice(1).split('/');
  const odd = (segment: string, index: number): boolean =>
    // Whoever reads ` ..` as an address leaves the spaces out.
    segment.startsWith('.') || segment !== segment.trim() || (segment === '' && index < segments.length - 1);
  if (segments.some(odd)) return { kind: 'trick' };
  return { kind: 'name', name: path.slice(1) };
}

/** Of the API and of whoever watches the process: never the console's. */
export function isReserved(url: string): boolean {
  return /^\/+(?:api|livez|readyz|metrics)(?:[/?#]|$)/i.test(url);
}
