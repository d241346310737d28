/** Strokes as pixels: on the pad, and in the picture that is sent. */
import type { Point, Stroke } from './strokes.ts';

export interface Ink {
  /** Of the pen, of the picture's width. */
  readonly penWidth: number;
  readonly light: boolean;
  /** Where the pen is, for those who draw with keys. */
  readonly pen?: Point & { readonly isDown: boolean };
}

export function drawOn(canvas: HTMLCanvasElement, strokes: readonly Stroke[], { penWidth, light, pen }: Ink): void {
  const context = canvas.getContext('2d', { willReadFrequently: true });
  if (context === null) return;
  const { width, height } = canvas;
  const [ground, ink] = light ? ['#000', '#fff'] : ['#fff', '#000'];
  context.fillStyle = ground;
  context.fillRect(0, 0, width, height);
  context.strokeStyle = ink;
  context.lineWidth = penWidth * width;
  context.lineCap = 'round';
  context.lineJoin = 'round';
  for (const stroke of strokes) {
    const [first] = stroke;
    if (first === undefined) continue;
    context.beginPath();
    context.moveTo(first.x * width, first.y * height);
    // A dot is a line to where it began.
    for (const { x, y } of stroke.length === 1 ? stroke : stroke.slice(1)) context.lineTo(x * width, y * height);
    context.stroke();
  }
  if (pen === undefined) return;
  context.beginPath();
  context.lineWidth = 2;
  context.strokeStyle = '#c04f00';
  context.arc(pen.x * width, pen.y * height, pen.isDown ? 6 : 10, 0, Math.PI * 2);
  context.stroke();
}

/** Brightness of each pixel, 0 to 1, row by row. */
export function inkOf(canvas: HTMLCanvasElement): Float32Array {
  const { width, height } = canvas;
  const { data } = (canvas.getContext('2d') as CanvasRenderingContext2D).getImageData(0, 0, width, height);
  return Float32Array.from({ length: width * height }, (_, pixel) => (data[pixel * 4] ?? 0) / 255);
}

/** Grey values as a PNG. */
export async function toPng(values: Float32Array, width: number, height: number): Promise<Blob> {
  const canvas = document.createElement('canvas');
  canvas.width = width;
  canvas.height = height;
  const context = canvas.getContext('2d') as CanvasRenderingContext2D;
  const image = context.createImageData(width, height);
  for (const [pixel, value] of values.entries()) {
    const byte = Math.round(value * 255);
    image.data.set([byte, byte, byte, 255], pixel * 4);
  }
  context.putImageData(image, 0, 0);
  return new Promise((resolve, reject) => {
    canvas.toBlob(
      (blob) => (blob === null ? reject(new Error('the browser made no PNG')) : resolve(blob)),
      'image/png',
    );
  });
}
