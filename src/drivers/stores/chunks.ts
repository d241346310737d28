/** Bytes that come in pieces of any size, in pieces of one size: only the last may be shorter. */
export async function* inChunks(stream: AsyncIterable<Uint8Array>, chunkBytes: number): AsyncGenerator<Uint8Array> {
  let chunk = Buffer.allocUnsafe(chunkBytes);
  let filled = 0;
  for await (const piece of stream) {
    for (let at = 0; at < piece.byteLength;) {
      const taken = Math.min(chunkBytes - filled, piece.byteLength - at);
      chunk.set(piece.subarray(at, at + taken), filled);
      filled += taken;
      at += taken;
      if (filled < chunkBytes) continue;
      yield chunk;
      // Whoever has it may have it still.
      chunk = Buffer.allocUnsafe(chunkBytes);
      filled = 0;
    }
  }
  if (filled > 0) yield chunk.subarray(0, filled);
}
