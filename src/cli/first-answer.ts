/** The first real answer of a deployment: one made-up request over REST, timed from here. It never throws. */
import { openClient } from '../client/client.ts';
import type { TlsAccess } from './tls-access.ts';
import { madeUpTensors } from '../load/payload.ts';

export type FirstAnswer =
  | { readonly kind: 'answered'; readonly ms: number }
  | { readonly kind: 'failed'; readonly reason: string }
  | { readonly kind: 'none' };

/** Variable dimensions other than the batch; small, as this is about the way and not about the work. */
const dimension = 64;
const timeoutMs = 10_000;

export async function firstAnswer(
  url: string,
  model: string,
  access: { readonly apiKey: string | undefined; readonly tls: TlsAccess },
  signal: AbortSignal,
): Promise<FirstAnswer> {
  try {
    await using client = openClient({
      url,
      timeoutMs,
      retries: 0,
      tls: access.tls,
      ...(access.apiKey === undefined ? {} : { apiKey: access.apiKey }),
    });
    const { signature } = await client.modelMetadata(model, undefined, signal);
    const inputs = madeUpTensors(signature.inputs, { batch: 1, dimension, random: () => 0 });
    const startedAt = performance.now();
    await client.infer({ model, inputs }, signal);
    return { kind: 'answered', ms: performance.now() - startedAt };
  } catch (error) {
    return { kind: 'failed', reason: error instanceof Error ? error.message : String(error) };
  }
}
