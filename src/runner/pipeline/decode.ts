/**
 * Encoded image → pixels. PNG, JPEG and WebP only, told apart by their first bytes, never by what the caller says.
 * The size is read from the header and checked before anything is decoded: a small file can hold a huge image.
 * JPEG goes to libjpeg-turbo, which decodes about twice as fast; what it does not take (an orientation, CMYK) goes to sharp.
 */
import { FlyballError } from '../../errors.ts';
import { readJpegHeader } from './jpeg-header.ts';

export interface Pixels {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  /** 1 is grey, 3 is red, green, blue; there is no alpha any more. */
  readonly channels: 1 | 3;
}

export interface DecodeWish {
  /** Whether grey is enough; RGB may come all the same. */
  readonly grey: boolean;
  readonly pixelsMax: number;
}

type Format = 'jpeg' | 'png' | 'webp';

function formatOf(file: Uint8Array): Format | undefined {
  const starts = (at: number, ...bytes: number[]): boolean => bytes.every((byte, index) => file[at + index] === byte);
  if (starts(0, 0xff, 0xd8, 0xff)) return 'jpeg';
  if (starts(0, 0x89, 0x50, 0x4e, 0x47)) return 'png';
  if (starts(0, 0x52, 0x49, 0x46, 0x46) && starts(8, 0x57, 0x45, 0x42, 0x50)) return 'webp';
  return undefined;
}

export async function decodeImage(file: Uint8Array, wish: DecodeWish): Promise<Pixels> {
  const format = formatOf(file);
  if (format === undefined) {
    const begin = Buffer.from(file.buffer, file.byteOffset, Math.min(8, file.length)).toString('hex');
    throw invalid(
      `expected a PNG, JPEG or WebP file, got ${file.length} bytes${file.length > 0 ? ` that begin with ${begin}` : ''}`,
    );
  }
  if (format === 'jpeg') {
    const header = readJpegHeader(file);
    if (header !== undefined) {
      checkPixels(header.width, header.height, wish.pixelsMax);
      const plain = header.orientation === 1 && (header.components === 1 || header.components === 3);
      const pixels = plain ? await decodeTurbo(file, wish.grey) : undefined;
      if (pixels !== undefined) return pixels;
    }
  }
  return await decodeSharp(file, format, wish.pixelsMax);
}

function checkPixels(width: number, height: number, pixelsMax: number): void {
  if (width * height > pixelsMax) {
    throw invalid(`expected at most ${pixelsMax} pixels (pipeline.pixelsMax), got ${width} × ${height}`);
  }
}

/** Undefined where libjpeg-turbo does not decode it; its own words are of no use, so sharp is asked for better ones. */
async function decodeTurbo(file: Uint8Array, grey: boolean): Promise<Pixels | undefined> {
  const { default: turbo } = await import('@julusian/jpeg-turbo');
  try {
    const bytes = Buffer.from(file.buffer, file.byteOffset, file.length);
    const decoded = await turbo.decompress(bytes, { format: grey ? turbo.FORMAT_GRAY : turbo.FORMAT_RGB });
    return { data: decoded.data, width: decoded.width, height: decoded.height, channels: grey ? 1 : 3 };
  } catch {
    return undefined;
  }
}

async function decodeSharp(file: Uint8Array, format: Format, pixelsMax: number): Promise<Pixels> {
  const { default: sharp } = await import('sharp');
  // One thread an image: several images are decoded at once already. Nothing is decoded twice, so nothing is cached.
  sharp.concurrency(1);
  sharp.cache(false);
  try {
    const image = sharp(file, { limitInputPixels: false, failOn: 'truncated' });
    const { width, height } = await image.metadata();
    checkPixels(width, height, pixelsMax);
    const { data, info } = await image
      .autoOrient()
      .flatten({ background: '#ffffff' })
      .toColourspace('srgb')
      .raw({ depth: 'uchar' })
      .toBuffer({ resolveWithObject: true });
    if (info.channels !== 1 && info.channels !== 3) throw new Error(`got ${info.channels} channels`);
    return { data, width: info.width, height: info.height, channels: info.channels };
  } catch (cause) {
    if (cause instanceof FlyballError) throw cause;
    throw invalid(`could not decode the ${format.toUpperCase()} file: ${(cause as Error).message.trim()}`, cause);
  }
}

function invalid(message: string, cause?: unknown): FlyballError {
  return new FlyballError('INVALID_IMAGE', message, { cause });
}
