/** Asks every gateway itself whether it serves: control knows that replicas are ready a moment before gateways do. */
import type { StatusView } from '../../api/schemas.ts';
import { openClient, type InferenceClient } from '../../client/client.ts';
import type { ClusterMember } from '../../core/placement/node.ts';
import type { TlsAccess } from '../tls-access.ts';

export interface Silent {
  readonly node: string;
  readonly why: string;
}

const readyMsMax = 30_000;
const pauseMs = 200;
const answerMsMax = 3000;

/** Gateways that do not serve what control says is served, and why. */
export async function untilServed(
  gateways: readonly { readonly node: ClusterMember; readonly url: string }[],
  { deployments }: StatusView,
  access: { readonly apiKey: string | undefined; readonly tls: TlsAccess },
  signal: AbortSignal,
): Promise<readonly Silent[]> {
  const served = deployments.filter(({ counts }) => counts.ready > 0).map(({ name }) => name);
  const outcomes = gateways.map(async ({ node, url }) => {
    await using client = openClient({
      url,
      tls: access.tls,
      timeoutMs: answerMsMax,
      retries: 0,
      ...(access.apiKey === undefined ? {} : { apiKey: access.apiKey }),
    });
    const why = await untilReady(client, url, served, signal);
    return why === undefined ? [] : [{ node: node.name, why }];
  });
  return (await Promise.all(outcomes)).flat();
}

async function untilReady(
  client: InferenceClient,
  url: string,
  models: readonly string[],
  signal: AbortSignal,
): Promise<string | undefined> {
  const begun = performance.now();
  let why = '';
  while (performance.now() - begun < readyMsMax) {
    signal.throwIfAborted();
    try {
      if (models.length === 0 && (await client.live(signal))) return undefined;
      const ready = await Promise.all(models.map((model) => client.modelReady(model, undefined, signal)));
      const missing = models.filter((_model, index) => !ready[index]);
      if (models.length > 0 && missing.length === 0) return undefined;
      why = `${missing.join(', ')} not ready there`;
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    await new Promise((resolve) => {
      setTimeout(resolve, pauseMs);
    });
  }
  return why === '' ? `no answer at ${url}` : why;
}
