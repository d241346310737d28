/**
 * One text for one value, whatever the order of its keys: what digests and fingerprints are taken of.
 * As JSON otherwise: keys without a value (undefined) are left out, numbers are written as JavaScript writes them.
 */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (inner === null || typeof inner !== 'object' || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([left], [right]) => (left < right ? -1 : 1)));
  });
}
