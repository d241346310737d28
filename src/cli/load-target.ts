/** The target of `flyball load`: requests made up from the deployment's metadata or from a file, over REST or gRPC. */
import { openClient } from '../client/client.ts';
import { seededRandom } from '../load/arrivals.ts';
import { fileRequest, madeUpTensors, tensorRequest, type HttpRequest } from '../load/payload.ts';
import { grpcTarget, restTarget, type Target } from '../load/target.ts';
import { apiKeyOf, inferenceTls } from './connect.ts';
import { contentTypeOf } from './content-type.ts';
import type { Invocation } from './declaration.ts';
import { UsageError } from './exit-codes.ts';
import type { TlsAccess } from './tls-access.ts';
import type { LoadPlan } from './load-plan.ts';
import { readInput } from './read-input.ts';

/** Size of variable dimensions other than the batch: the model does not say, so something small and even is tried. */
const openDimension = 64;

export async function openLoadTarget(
  invocation: Invocation,
  url: URL,
  deployment: string,
  plan: LoadPlan,
): Promise<Target> {
  const { terminal, signal } = invocation;
  const apiKey = apiKeyOf(invocation);
  const tls = inferenceTls(invocation, plan.protocol === 'grpc' ? 'grpc' : 'http');
  const headers: Record<string, string> = apiKey === undefined ? {} : { authorization: `Bearer ${apiKey}` };
  if (plan.file !== undefined) {
    if (plan.protocol === 'grpc') throw new UsageError('--file is sent over REST', 'leave --protocol grpc out');
    const bytes = await readInput(plan.file, terminal);
    const request = fileRequest(deployment, bytes, contentTypeOf(bytes, plan.file, undefined), headers);
    return rest(url, request, plan, tls);
  }
  const tensors = madeUpTensors(await inputsOf(url, deployment, plan, apiKey, tls, signal), {
    batch: plan.batch,
    dimension: openDimension,
    random: seededRandom(plan.seed),
  });
  if (plan.protocol === 'grpc')
    return grpcTarget({ url: grpcUrl(url), model: deployment, inputs: tensors, slots: plan.connections, apiKey, tls });
  return rest(url, tensorRequest(deployment, tensors, plan.encoding, headers), plan, tls);
}

function rest(url: URL, request: HttpRequest, plan: LoadPlan, tls: TlsAccess): Target {
  if (url.protocol !== 'http:' && url.protocol !== 'https:')
    throw new UsageError(`load speaks http://, https:// or gRPC, got ${url.protocol}//`);
  return restTarget(url, request, plan.connections, { ...tls });
}

async function inputsOf(
  url: URL,
  deployment: string,
  plan: LoadPlan,
  apiKey: string | undefined,
  tls: TlsAccess,
  signal: AbortSignal,
): Promise<Parameters<typeof madeUpTensors>[0]> {
  await using client = openClient({
    url: plan.protocol === 'grpc' ? grpcUrl(url) : url.origin,
    tls,
    ...(apiKey === undefined ? {} : { apiKey }),
  });
  const metadata = await client.modelMetadata(deployment, undefined, signal);
  return metadata.signature.inputs;
}

/** The control API names the gRPC listener as http:// or grpc://; the client wants the latter. */
function grpcUrl(url: URL): string {
  return `${url.protocol === 'https:' || url.protocol === 'grpcs:' ? 'grpcs' : 'grpc'}://${url.host}`;
}
