/** What a machine may be called towards the others of its platform. */
import { UsageError } from './exit-codes.ts';

const form = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?$/;

export function nodeName(text: string): string {
  if (form.test(text)) return text;
  throw new UsageError(`--node: expected a name of letters, digits, dots and hyphens, at most 253, got ${text}`);
}
