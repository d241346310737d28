/** The elements of a BYTES tensor: each a little-endian length of four bytes and that many bytes. */

/** Undefined when a length runs past the end. */
export function splitBytesElements(bytes: Uint8Array): Uint8Array[] | undefined {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const elements: Uint8Array[] = [];
  for (let at = 0; at < bytes.byteLength;) {
    if (at + 4 > bytes.byteLength) return undefined;
    const end = at + 4 + view.getUint32(at, true);
    if (end > bytes.byteLength) return undefined;
    elements.push(bytes.subarray(at + 4, end));
    at = end;
  }
  return elements;
}

export function joinBytesElements(elements: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(elements.reduce((sum, { byteLength }) => sum + 4 + byteLength, 0));
  const view = new DataView(joined.buffer);
  let at = 0;
  for (const element of elements) {
    view.setUint32(at, element.byteLength, true);
    joined.set(element, at + 4);
    at += 4 + element.byteLength;
  }
  return joined;
}
