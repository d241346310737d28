/**
 * Entity tags of what can be edited (RFC 9110, 8.8.3 and 13.1): whoever read it changes it only if nobody else has since.
 * A tag is a hash of the representation, so that the same content has the same tag after a restart too. Pure.
 */
import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { canonicalJson } from '../config/canonical-json.ts';
import { FlyballError } from '../errors.ts';

/** Called where nothing else can change what is about to be changed. Throws PRECONDITION_FAILED. */
export type Precondition = () => Promise<void>;

export function etagOf(value: unknown): string {
  // As it goes out: what JSON leaves out is no part of it.
  const plain: unknown = JSON.parse(JSON.stringify(value ?? null));
  return `"${createHash('sha256').update(canonicalJson(plain)).digest('base64url').slice(0, 22)}"`;
}

/** `If-None-Match` and `If-Match`: a list of tags, or `*` for whatever is there. Weak tags match only where `weak` is. */
export function isAmong(header: string, etag: string, weak: boolean): boolean {
  if (header.trim() === '*') return true;
  const tags = header.match(/(?:W\/)?"[^"]*"/g) ?? [];
  return tags.some((tag) => (weak ? tag.replace(/^W\//, '') : tag) === etag);
}

/**
 * What the headers ask to hold of the representation, which `current` reads; undefined where they ask nothing. A
 * representation that is not there is an error of `current` with a status of 404.
 */
export function preconditionOf(
  headers: IncomingHttpHeaders,
  current: () => Promise<unknown>,
): Precondition | undefined {
  const { 'if-match': match, 'if-none-match': none } = headers;
  if (match === undefined && none === undefined) return undefined;
  return async () => {
    const etag = await tagOf(current);
    if (match !== undefined && (etag === undefined || !isAmong(match, etag, false))) {
      const now = etag === undefined ? 'it is not there' : `it is ${etag} now`;
      throw new FlyballError('PRECONDITION_FAILED', `expected ${match} (If-Match), and ${now}: read it again`);
    }
    if (none !== undefined && etag !== undefined && isAmong(none, etag, true)) {
      throw new FlyballError('PRECONDITION_FAILED', `expected none of ${none} (If-None-Match), and it is ${etag}`);
    }
  };
}

async function tagOf(current: () => Promise<unknown>): Promise<string | undefined> {
  try {
    return etagOf(await current());
  } catch (error) {
    if (error instanceof FlyballError && error.status === 404) return undefined;
    throw error;
  }
}
