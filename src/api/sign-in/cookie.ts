/**
 * The cookie of a sign-in (RFC 6265bis). Pure. Scripts cannot read it (HttpOnly) and no other site's page can have it
 * sent (SameSite=Strict); over TLS it never goes out without (Secure).
 */

/** One name for every port of a host: browsers keep cookies by host alone. */
export const cookieName = 'flyball';

/** Undefined where there is none, or more than one: which of two is right nobody can say. */
export function signInIdIn(header: string | undefined): string | undefined {
  const values = new Set(
    (header ?? '')
      .split(';')
      .map((pair) => pair.trim())
      .filter((pair) => pair.startsWith(`${cookieName}=`))
      .map((pair) => pair.slice(cookieName.length + 1)),
  );
  const [value] = values;
  return values.size === 1 ? value : undefined;
}

const attributes = (tls: boolean): string => `Path=/; HttpOnly; SameSite=Strict${tls ? '; Secure' : ''}`;

export function signInCookie(id: string, lifetimeMs: number, tls: boolean): string {
  return `${cookieName}=${id}; Max-Age=${Math.floor(lifetimeMs / 1000)}; ${attributes(tls)}`;
}

export function clearedCookie(tls: boolean): string {
  return `${cookieName}=; Max-Age=0; ${attributes(tls)}`;
}
