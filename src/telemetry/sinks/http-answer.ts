/** What an HTTP receiver of telemetry answered, read with a bound, and what may have gone wrong on the way. */

/** InfluxDB repeats each line that it refuses, and says at the end how many it did. */
const bodyBytesMax = 262_144;
const wordsMax = 200;

/** The beginning of the body as text; the rest is not waited for. */
export async function startOfBody(answer: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    // Leaving the loop ends the connection, or the rest of the body.
    if (bytes >= bodyBytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bodyBytesMax).toString('utf8');
}

/** In words of people, without the address: it may be a secret, and `fetch` hides what went wrong in the cause. */
export function faultInWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, wordsMax);
  const { cause } = error;
  if (!(cause instanceof Error)) return error.message.slice(0, wordsMax);
  const code = 'code' in cause ? String(cause.code) : cause.message;
  return `it could not be reached (${code})`.slice(0, wordsMax);
}
