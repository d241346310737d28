/**
 * The fingerprint of a label set as Prometheus, Alertmanager and Grafana compute it (prometheus/common, model/signature.go
 * and fnv.go): FNV-1a of 64 bits (G. Fowler, L. C. Noll, K.-P. Vo) over names and values in the order of the names, each
 * followed by the byte 255, which no UTF-8 text contains.
 */

const offset = 0xcbf29ce484222325n;
const prime = 0x100000001b3n;
const separator = 255;

function add(hash: bigint, bytes: Iterable<number>): bigint {
  let next = hash;
  for (const byte of bytes) next = BigInt.asUintN(64, (next ^ BigInt(byte)) * prime);
  return next;
}

/** Sixteen hexadecimal digits. */
export function fingerprintOf(labels: Readonly<Record<string, string>>): string {
  // By bytes, as Go sorts strings; UTF-16 would order what lies outside of the basic plane differently.
  const pairs = Object.entries(labels).map(([name, value]) => [Buffer.from(name), Buffer.from(value)] as const);
  let hash = offset;
  for (const pair of pairs.toSorted(([left], [right]) => Buffer.compare(left, right)))
    for (const text of pair) hash = add(add(hash, text), [separator]);
  return hash.toString(16).padStart(16, '0');
}
