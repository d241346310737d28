/** Which part of an image, at which scale, becomes the tensor. Pure arithmetic, in pixels. */
import type { ImagePipeline } from '../../config/model-file.ts';
import { FlyballError } from '../../errors.ts';

export interface Geometry {
  /** The whole image after the resize. */
  readonly resizedWidth: number;
  readonly resizedHeight: number;
  /** The window of it that is kept. */
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export function geometryOf(width: number, height: number, pipeline: ImagePipeline): Geometry {
  const [resizedWidth, resizedHeight] = resized(width, height, pipeline.resize);
  const crop = pipeline.crop ?? { width: resizedWidth, height: resizedHeight };
  if (crop.width > resizedWidth || crop.height > resizedHeight) {
    throw new FlyballError(
      'INVALID_IMAGE',
      `expected an image of at least ${crop.width} × ${crop.height} to crop from, got ${width} × ${height}` +
        (pipeline.resize === undefined ? '' : `, which is ${resizedWidth} × ${resizedHeight} after the resize`),
    );
  }
  // A sliver of an image, scaled up by its shorter side, can become far larger than what was decoded.
  if (crop.width * crop.height > pipeline.pixelsMax) {
    throw new FlyballError(
      'INVALID_IMAGE',
      `expected at most ${pipeline.pixelsMax} pixels (pipeline.pixelsMax) after the resize, got ${crop.width} × ${crop.height}`,
    );
  }
  return {
    resizedWidth,
    resizedHeight,
    left: Math.round((resizedWidth - crop.width) / 2),
    top: Math.round((resizedHeight - crop.height) / 2),
    width: crop.width,
    height: crop.height,
  };
}

function resized(width: number, height: number, resize: ImagePipeline['resize']): readonly [number, number] {
  if (resize === undefined) return [width, height];
  const scaled = (size: number, scale: number): number => Math.max(1, Math.round(size * scale));
  if (resize.shorterSide !== undefined) {
    const scale = resize.shorterSide / Math.min(width, height);
    return [scaled(width, scale), scaled(height, scale)];
  }
  if (resize.width !== undefined && resize.height !== undefined) return [resize.width, resize.height];
  if (resize.width !== undefined) return [resize.width, scaled(height, resize.width / width)];
  if (resize.height !== undefined) return [scaled(width, resize.height / height), resize.height];
  return [width, height];
}

/** The size of every tensor of this pipeline, as far as it does not depend on the image. */
export function fixedSize(pipeline: ImagePipeline): { readonly width?: number; readonly height?: number } {
  if (pipeline.crop !== undefined) return pipeline.crop;
  const { width, height } = pipeline.resize ?? {};
  return { ...(width === undefined ? {} : { width }), ...(height === undefined ? {} : { height }) };
}
