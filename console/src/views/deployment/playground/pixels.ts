/**
 * A picture made into the model's input outside of the platform, step by step as its `model.yaml` says: clients of the
 * Open Inference Protocol send tensors. Resizing is another library's, so values differ in the last places. Pure.
 */
import type { Version } from './takes.ts';

type Pipeline = NonNullable<Version['pipeline']>;

export interface Pixels {
  readonly lines: readonly string[];
  /** Name of the input. */
  readonly input: string;
}

const inputOf = ({ signature, pipeline }: Version): string => pipeline?.input ?? signature.inputs[0]?.name ?? 'input';
const varName = (name: string): string => name.replaceAll(/\W/g, '_').replace(/^(?=\d)/, '_');
const isPlain = ({ mean, std }: Pipeline): boolean =>
  mean.every((each) => each === 0) && std.every((each) => each === 1);
const round = (value: number): string => (value === 1 / 255 ? '1 / 255' : String(value));

/** Undefined: there is no pipeline, or none that a few lines can show. */
export function pythonPixels(version: Version | undefined, file: string): Pixels | undefined {
  const pipeline = version?.pipeline;
  if (version === undefined || pipeline === undefined) return undefined;
  const { channels, resize = {}, crop, invert, scale, mean, std, layout } = pipeline;
  const { width, height, shorterSide } = resize;
  const x = varName(inputOf(version));
  const lines = [`picture = Image.open(${JSON.stringify(file)}).convert("${channels === 'grey' ? 'L' : 'RGB'}")`];
  const size =
    shorterSide !== undefined
      ? `[int(side * ${shorterSide} / min(picture.size) + 0.5) for side in picture.size]`
      : width !== undefined && height !== undefined
        ? `(${width}, ${height})`
        : width !== undefined
          ? `(${width}, int(picture.height * ${width} / picture.width + 0.5))`
          : height !== undefined
            ? `(int(picture.width * ${height} / picture.height + 0.5), ${height})`
            : undefined;
  if (size !== undefined) lines.push(`picture = picture.resize(${size}, Image.Resampling.BILINEAR)`);
  if (crop !== undefined)
    lines.push(
      `left, top = (picture.width - ${crop.width} + 1) // 2, (picture.height - ${crop.height} + 1) // 2`,
      `picture = picture.crop((left, top, left + ${crop.width}, top + ${crop.height}))`,
    );
  lines.push(`${x} = np.asarray(picture, np.float32)`);
  if (channels === 'grey') lines.push(`${x} = ${x}[:, :, None]`);
  if (channels === 'bgr') lines.push(`${x} = ${x}[:, :, ::-1]`);
  lines.push(`${x} = ${invert ? `(255 - ${x})` : x} * np.float32(${round(scale)})`);
  if (!isPlain(pipeline))
    lines.push(
      `${x} = (${x} - np.array(${JSON.stringify(mean)}, np.float32)) / np.array(${JSON.stringify(std)}, np.float32)`,
    );
  lines.push(layout === 'NCHW' ? `${x} = np.ascontiguousarray(${x}.transpose(2, 0, 1)[None])` : `${x} = ${x}[None]`);
  return { lines, input: inputOf(version) };
}

export function typescriptPixels(
  version: Version | undefined,
  file: string,
): (Pixels & { readonly tensor: string }) | undefined {
  const pipeline = version?.pipeline;
  if (version === undefined || pipeline === undefined) return undefined;
  const { channels, resize = {}, crop, invert, scale, mean, std, layout } = pipeline;
  const { width, height, shorterSide } = resize;
  const sharp = [
    `sharp(${JSON.stringify(file)})`,
    '.rotate()',
    channels === 'grey' ? '.greyscale()' : `.toColourspace('srgb')`,
  ];
  if (channels !== 'grey') sharp.push('.removeAlpha()');
  if (shorterSide !== undefined)
    sharp.push(`.resize(${shorterSide}, ${shorterSide}, { fit: 'outside', kernel: 'linear' })`);
  else if (width !== undefined || height !== undefined)
    sharp.push(
      `.resize({ ${width === undefined ? '' : `width: ${width}, `}${height === undefined ? '' : `height: ${height}, `}fit: 'fill', kernel: 'linear' })`,
    );
  const count = channels === 'grey' ? 1 : 3;
  const lines = [
    `const { data, info } = await ${sharp.join('')}`,
    '  .raw()',
    '  .toBuffer({ resolveWithObject: true });',
    ...(crop === undefined
      ? ['const { width, height } = info;']
      : [
          `const [width, height] = [${crop.width}, ${crop.height}];`,
          'const [left, top] = [Math.round((info.width - width) / 2), Math.round((info.height - height) / 2)];',
        ]),
  ];
  const row = crop === undefined ? 'y' : '(y + top)';
  const column = crop === undefined ? 'x' : '(x + left)';
  const from = channels === 'grey' ? '' : ` + ${channels === 'bgr' ? '2 - c' : 'c'}`;
  const byte = `data.readUInt8((${row} * info.width + ${column}) * info.channels${from})`;
  const value = `${invert ? `(255 - ${byte})` : byte} * ${scale === 1 / 255 ? '(1 / 255)' : scale}`;
  const at = (values: readonly number[]): string =>
    values.length === 1 ? String(values[0]) : `(${JSON.stringify(values)}[c] ?? 0)`;
  const normal = isPlain(pipeline) ? value : `(${value} - ${at(mean)}) / ${at(std)}`;
  const to = layout === 'NCHW' ? '(c * height + y) * width + x' : `(y * width + x) * ${count} + c`;
  lines.push(
    `const pixels = new Float32Array(${count} * width * height);`,
    `for (let c = 0; c < ${count}; c += 1)`,
    '  for (let y = 0; y < height; y += 1)',
    `    for (let x = 0; x < width; x += 1) pixels[${to}] = ${normal};`,
    '',
  );
  const input = inputOf(version);
  const shape = layout === 'NCHW' ? `[1, ${count}, height, width]` : `[1, height, width, ${count}]`;
  return { lines, input, tensor: `tensor(${JSON.stringify(input)}, 'FP32', ${shape}, pixels)` };
}
