import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeHead, makeFrameDecoder } from './codec.ts';

interface Seen {
  kind: string;
  header: unknown;
  body: Buffer;
}

function decodeAll(chunks: readonly Buffer[], frameBytesMax = 1 << 20): Seen[] {
  const seen: Seen[] = [];
  const decoder = makeFrameDecoder(frameBytesMax, (kind, header, body) => {
    seen.push({ kind, header, body: Buffer.from(body) });
  });
  for (const chunk of chunks) decoder.push(chunk);
  assert.equal(decoder.partial, false);
  return seen;
}

const frame = fc.record({ message: fc.string({ unit: 'grapheme' }), body: fc.uint8Array({ maxLength: 300 }) });

describe('the frame codec', () => {
  it('gives the same frames however the stream is cut into pieces', () => {
    fc.assert(
      fc.property(
        fc.array(frame, { minLength: 1, maxLength: 5 }),
        fc.array(fc.nat(2000), { maxLength: 30 }),
        (frames, cuts) => {
          const stream = Buffer.concat(
            frames.flatMap(({ message, body }) => [
              encodeHead('result', { call: 1, error: { code: 'INTERNAL', message } }, body.length),
              body,
            ]),
          );
          const at = [...new Set([0, ...cuts.filter((cut) => cut < stream.length), stream.length])].sort(
            (a, b) => a - b,
          );
          const chunks = at.slice(1).map((end, index) => Buffer.from(stream.subarray(at[index], end)));
          assert.deepEqual(
            decodeAll(chunks),
            frames.map(({ message, body }) => ({
              kind: 'result',
              header: { call: 1, error: { code: 'INTERNAL', message } },
              body: Buffer.from(body),
            })),
          );
        },
      ),
    );
  });

  it('puts the body of a frame at a multiple of eight, whole or assembled', () => {
    for (const message of ['', 'a', 'ab', 'abc', 'ä€']) {
      const stream = Buffer.concat([
        encodeHead('result', { call: 1, error: { code: 'INTERNAL', message } }, 3),
        Buffer.from('xyz'),
      ]);
      const offsets: number[] = [];
      const decoder = makeFrameDecoder(1000, (_kind, _header, body) => offsets.push(body.byteOffset));
      const whole = Buffer.allocUnsafeSlow(stream.length);
      stream.copy(whole);
      decoder.push(whole);
      decoder.push(stream.subarray(0, 7));
      decoder.push(stream.subarray(7));
      assert.deepEqual(
        offsets.map((offset) => offset % 8),
        [0, 0],
      );
    }
  });

  it('gives a long frame a buffer that no other frame looks into', () => {
    const long = Buffer.concat([encodeHead('cancel', { call: 1 }, 30_000), Buffer.alloc(30_000, 1)]);
    const bodies: Uint8Array[] = [];
    const decoder = makeFrameDecoder(100_000, (_kind, _header, body) => bodies.push(body));
    decoder.push(Buffer.concat([long, long]));
    assert.notEqual(bodies[0]?.buffer, bodies[1]?.buffer);
  });

  const good = (): Buffer => encodeHead('cancel', { call: 7 }, 0);

  it('refuses a frame over the limit as soon as its length is there', () => {
    const decoder = makeFrameDecoder(100, () => assert.fail('no frame was expected'));
    const head = Buffer.alloc(4);
    head.writeUInt32LE(101);
    assert.throws(() => decoder.push(head), { code: 'PROTOCOL', message: /at most 100 bytes, got 101/ });
  });

  it('refuses an unknown kind', () => {
    const bytes = good();
    bytes[4] = 99;
    assert.throws(() => decodeAll([bytes]), { code: 'PROTOCOL', message: /kind 99/ });
  });

  it('refuses a header that is not JSON, or not an object', () => {
    const bytes = good();
    bytes[9] = 0x21;
    assert.throws(() => decodeAll([bytes]), { code: 'PROTOCOL', message: /not JSON/ });
    const number = good();
    number.fill(0x20, 9);
    number[9] = 0x31;
    assert.throws(() => decodeAll([number]), { code: 'PROTOCOL', message: /not a JSON object/ });
  });

  it('refuses a header that runs past its frame, and a frame too short to have one', () => {
    const bytes = good();
    bytes.writeUInt32LE(1000, 5);
    assert.throws(() => decodeAll([bytes]), { code: 'PROTOCOL', message: /past its end/ });
    const short = good();
    short.writeUInt32LE(4, 0);
    assert.throws(() => decodeAll([short]), { code: 'PROTOCOL', message: /at least 5 bytes, got 4/ });
  });
});
