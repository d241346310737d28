/** The name that a model gets from its path when nobody gives one. Pure. */
import { basename, dirname, extname } from 'node:path';

/** `models/digits.onnx` → digits; `digits/1/model.onnx` → digits; `digits/` → digits. */
export function modelName(path: string): string {
  const own = basename(path, ['.onnx', '.mar'].includes(extname(path)) ? extname(path) : '');
  const parent = dirname(path);
  const isLayout = own === 'model' || /^\d+$/.test(own);
  if (isLayout && parent !== path && basename(parent) !== '') return modelName(parent);
  const name = own
    .replaceAll(/[^a-zA-Z0-9._-]+/g, '-')
    .replaceAll(/^[._-]+/g, '')
    .slice(0, 63)
    .replaceAll(/[._-]+$/g, '');
  return name === '' ? 'model' : name;
}
