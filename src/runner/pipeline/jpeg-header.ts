/**
 * The few facts of a JPEG that must be known before it is decoded: its size, its components, its EXIF orientation.
 * Walks the marker segments (ITU-T T.81, annex B) up to the start of frame; reads nothing of the image.
 */

export interface JpegHeader {
  readonly width: number;
  readonly height: number;
  readonly components: number;
  /** 1 to 8 as in EXIF; 1 is upright. */
  readonly orientation: number;
}

const orientationTag = 0x0112;

/** Undefined when there is no frame header where one must be. */
export function readJpegHeader(file: Uint8Array): JpegHeader | undefined {
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  let orientation = 1;
  let at = 2;
  while (at + 4 <= file.length) {
    if (file[at] !== 0xff) return undefined;
    const marker = file[at + 1] ?? 0;
    // Fill bytes may stand before a marker.
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    // Markers without a length. Nothing has them before the frame but a file that wants two readers to see two sizes.
    if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd9)) return undefined;
    const start = at + 4;
    const end = at + 2 + view.getUint16(at + 2);
    if (end > file.length || end < start) return undefined;
    // SOF0…SOF15 without DHT, JPG and DAC, which lie between them.
    if (marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc) {
      if (end - start < 6) return undefined;
      return {
        height: view.getUint16(start + 1),
        width: view.getUint16(start + 3),
        components: view.getUint8(start + 5),
        orientation,
      };
    }
    if (marker === 0xe1) orientation = readOrientation(file.subarray(start, end)) ?? orientation;
    at = end;
  }
  return undefined;
}

/** The orientation in an EXIF segment: `Exif\0\0`, then a TIFF header and its first directory. */
function readOrientation(segment: Uint8Array): number | undefined {
  if (segment.length < 14 || Buffer.from(segment.subarray(0, 4)).toString('latin1') !== 'Exif') return undefined;
  const tiff = new DataView(segment.buffer, segment.byteOffset + 6, segment.length - 6);
  const little = tiff.getUint16(0) === 0x4949;
  const directory = tiff.getUint32(4, little);
  if (directory + 2 > tiff.byteLength) return undefined;
  const entries = tiff.getUint16(directory, little);
  for (let index = 0; index < entries; index += 1) {
    const at = directory + 2 + index * 12;
    if (at + 12 > tiff.byteLength) return undefined;
    if (tiff.getUint16(at, little) !== orientationTag) continue;
    const value = tiff.getUint16(at + 8, little);
    return value >= 1 && value <= 8 ? value : undefined;
  }
  return undefined;
}
