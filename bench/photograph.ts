/** A picture to send, and what the model that gets it declares for pictures. */
import sharp from 'sharp';

/** 640×480, with enough detail that it compresses like a photograph (about 70 KB). */
export async function photograph(): Promise<Buffer> {
  const [width, height] = [640, 480];
  const pixels = Buffer.alloc(width * height * 3);
  let state = 1;
  for (let index = 0; index < pixels.length; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    const [x, y] = [(index / 3) % width, Math.floor(index / 3 / width)];
    pixels[index] = 128 + 80 * Math.sin(x / 23) * Math.cos(y / 17) + ((state >>> 24) - 128) * 0.18;
  }
  return sharp(pixels, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 85 })
    .toBuffer();
}

export const imagePipeline = {
  pipeline: {
    channels: 'rgb',
    resize: { shorterSide: 256 },
    crop: { width: 224, height: 224 },
    mean: [0.485, 0.456, 0.406],
    std: [0.229, 0.224, 0.225],
  },
  output: { kind: 'classification', topK: 5 },
} as const;
