/** What a file is, by its first bytes, then by its name: images for the pipeline, or JSON. */
import { extname } from 'node:path';
import { UsageError } from './exit-codes.ts';

const byType: Readonly<Record<string, string>> = {
  png: 'image/png',
  jpeg: 'image/jpeg',
  jpg: 'image/jpeg',
  webp: 'image/webp',
  json: 'application/json',
};

export function contentTypeOf(bytes: Uint8Array, path: string, type: string | undefined): string {
  if (type !== undefined) return byType[type] ?? 'application/octet-stream';
  const magic = magicType(bytes);
  if (magic !== undefined) return magic;
  const extension = extname(path).slice(1).toLowerCase();
  const named = Object.hasOwn(byType, extension) ? byType[extension] : undefined;
  if (named === 'application/json' || (named === undefined && looksLikeJson(bytes))) return 'application/json';
  if (bytes.length === 0) throw new UsageError(`${path === '-' ? 'what came on stdin' : path} is empty`);
  throw new UsageError(
    `${path === '-' ? 'what came on stdin' : path} is neither PNG, JPEG, WebP nor JSON by its first bytes`,
    'say what it is with --type png|jpeg|webp|json',
  );
}

function magicType(bytes: Uint8Array): string | undefined {
  const head = Buffer.from(bytes.subarray(0, 12)).toString('latin1');
  if (head.startsWith('\u0089PNG\r\n\u001A\n')) return 'image/png';
  if (head.startsWith('\u00FF\u00D8\u00FF')) return 'image/jpeg';
  if (head.startsWith('RIFF') && head.slice(8, 12) === 'WEBP') return 'image/webp';
  return undefined;
}

function looksLikeJson(bytes: Uint8Array): boolean {
  return /^\uFEFF?\s*[[{"\d-]/.test(Buffer.from(bytes.subarray(0, 64)).toString('utf8'));
}
