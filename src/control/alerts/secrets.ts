/**
 * Secrets that the specification names by their place. Each is read when it is needed, so that one that is changed holds
 * from the next use on; none is kept, logged or put into a message.
 */
import { open } from 'node:fs/promises';
import type { SecretPlace } from '../../config/alerts-specification.ts';
import { FlyballError } from '../../errors.ts';

/** Bytes of a file: a secret is a line, and a wrong path may lead to anything. */
const fileBytesMax = 4096;

/** `what`: whose it is, for messages. `lengthMin`: characters. Throws SECRET_UNUSABLE. */
export async function readSecret({ file, env }: SecretPlace, what: string, lengthMin = 1): Promise<string> {
  const where = file ?? `the environment variable ${env}`;
  const unusable = (why: string, cause?: unknown): FlyballError =>
    new FlyballError('SECRET_UNUSABLE', `${what}: ${where} ${why}`, { cause });
  let text: string | undefined;
  try {
    text = file === undefined ? process.env[env ?? ''] : await readStart(file);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    throw unusable(`cannot be read (${code})`, error);
  }
  if (text === undefined) throw unusable('is not set');
  if (text.length > fileBytesMax) throw unusable(`is longer than ${fileBytesMax} bytes`);
  // Editors end a file with a line break; no secret has one.
  const secret = text.trim();
  if (/[\r\n]/.test(secret)) throw unusable('holds more than one line');
  if (secret.length >= lengthMin) return secret;
  throw unusable(`holds ${secret.length} characters, expected at least ${lengthMin}`);
}

async function readStart(path: string): Promise<string> {
  await using file = await open(path, 'r');
  const buffer = Buffer.alloc(fileBytesMax + 1);
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.subarray(0, bytesRead).toString('utf8');
}
