/** Amounts of bytes in a specification. */
import * as z from 'zod';

export const bytes = z
  .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?\s?(B|KiB|MiB|GiB)$/)])
  .describe('Bytes as a number, or with a unit: B, KiB, MiB, GiB.');
