import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import sharp from 'sharp';
import { decodeImage } from './decode.ts';
import { readJpegHeader } from './jpeg-header.ts';

const wish = { grey: false, pixelsMax: 1_000_000 };

/** 32 × 16: the left half red, the right half blue. */
const picture = () =>
  sharp({ create: { width: 32, height: 16, channels: 3, background: '#ff0000' } }).composite([
    { input: { create: { width: 16, height: 16, channels: 3, background: '#0000ff' } }, left: 16, top: 0 },
  ]);

type Colour = 'red' | 'blue' | 'white' | 'other';
function colourAt(pixels: Awaited<ReturnType<typeof decodeImage>>, x: number, y: number): Colour {
  const at = (y * pixels.width + x) * pixels.channels;
  const [r = 0, g = 0, b = 0] = pixels.data.subarray(at, at + 3);
  if (r > 200 && g < 60 && b < 60) return 'red';
  if (b > 200 && g < 60 && r < 60) return 'blue';
  return r > 250 && g > 250 && b > 250 ? 'white' : 'other';
}

describe('decoding an image', () => {
  it('reads PNG, JPEG and WebP to the same picture', async () => {
    for (const file of [
      await picture().png().toBuffer(),
      await picture().jpeg({ quality: 95 }).toBuffer(),
      await picture().webp({ lossless: true }).toBuffer(),
    ]) {
      const pixels = await decodeImage(file, wish);
      assert.deepEqual([pixels.width, pixels.height, pixels.channels], [32, 16, 3]);
      assert.deepEqual([colourAt(pixels, 4, 8), colourAt(pixels, 28, 8)], ['red', 'blue']);
    }
  });

  it('turns a JPEG by its EXIF orientation', async () => {
    const file = await picture().jpeg({ quality: 95 }).withMetadata({ orientation: 6 }).toBuffer();
    assert.deepEqual(readJpegHeader(file), { width: 32, height: 16, components: 3, orientation: 6 });
    const pixels = await decodeImage(file, wish);
    assert.deepEqual([pixels.width, pixels.height], [16, 32]);
    assert.deepEqual([colourAt(pixels, 8, 4), colourAt(pixels, 8, 28)], ['red', 'blue']);
  });

  it('reads the kinds of JPEG that libjpeg-turbo leaves to sharp', async () => {
    const cmyk = await picture().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer();
    assert.equal((await decodeImage(cmyk, wish)).channels, 3);
  });

  it('is not told a small size by a JPEG that hides its frame header from one reader', async () => {
    const large = await sharp({ create: { width: 300, height: 300, channels: 3, background: '#ff0000' } })
      .jpeg()
      .toBuffer();
    // TEM has no length. Who reads one all the same takes APP0's marker for it and lands inside APP0's data.
    const segment = Buffer.alloc(2 + 0xffff, 0x20);
    segment.writeUInt32BE(0xffe0ffff);
    Buffer.from('ffc00011080008000803012200021101031101', 'hex').copy(segment, 0xffe0);
    const liar = Buffer.concat([Buffer.from('ffd8ff01', 'hex'), segment, large.subarray(2)]);
    await assert.rejects(decodeImage(liar, { grey: false, pixelsMax: 10_000 }), {
      code: 'INVALID_IMAGE',
      message: /300 × 300/,
    });
  });

  it('gives grey directly where grey is wanted', async () => {
    const file = await picture().jpeg().toBuffer();
    assert.equal((await decodeImage(file, { ...wish, grey: true })).channels, 1);
  });

  it('puts a transparent picture on white', async () => {
    const file = await sharp({ create: { width: 4, height: 4, channels: 4, background: '#00000000' } })
      .png()
      .toBuffer();
    assert.equal(colourAt(await decodeImage(file, wish), 2, 2), 'white');
  });

  it('refuses an image of too many pixels before decoding it', async () => {
    for (const file of [await picture().png().toBuffer(), await picture().jpeg().toBuffer()]) {
      await assert.rejects(decodeImage(file, { ...wish, pixelsMax: 511 }), {
        code: 'INVALID_IMAGE',
        message: /at most 511 pixels \(pipeline\.pixelsMax\), got 32 × 16/,
      });
    }
  });

  it('says what came when it is not an image, or one cut short', async () => {
    await assert.rejects(decodeImage(Buffer.from('hello'), wish), {
      code: 'INVALID_IMAGE',
      message: 'expected a PNG, JPEG or WebP file, got 5 bytes that begin with 68656c6c6f',
    });
    await assert.rejects(decodeImage(new Uint8Array(0), wish), { message: /got 0 bytes$/ });
    await assert.rejects(decodeImage(Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), wish), {
      code: 'INVALID_IMAGE',
    });
    const jpeg = await picture().jpeg().toBuffer();
    await assert.rejects(decodeImage(jpeg.subarray(0, jpeg.length >> 1), wish), {
      code: 'INVALID_IMAGE',
      message: /could not decode the JPEG file: /,
    });
  });
});
