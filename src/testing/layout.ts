/** What plain data is made of: names, kinds and the lengths of typed arrays, without the values. For tests of what is kept. */
import { createHash } from 'node:crypto';

function shapeOf(value: unknown): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (ArrayBuffer.isView(value)) return `${value.constructor.name} ${value.byteLength}`;
  // However many there are of a kind, it is the same layout.
  const kinds = (items: Iterable<unknown>): string => [...new Set([...items].map(shapeOf))].toSorted().join('|');
  if (Array.isArray(value)) return `[${kinds(value)}]`;
  if (value instanceof Map) return `Map ${kinds(value.keys())} ${kinds(value.values())}`;
  if (value instanceof Set) return `Set ${kinds(value)}`;
  const entries = Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([name, each]) => `${name}: ${shapeOf(each)}`).join(', ')}}`;
}

/** Eight digits that change with the layout. */
export const layoutPrint = (value: unknown): string =>
  createHash('sha256').update(shapeOf(value)).digest('hex').slice(0, 8);
