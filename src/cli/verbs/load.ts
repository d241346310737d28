/**
 * `flyball load`: puts load on a deployment and measures it. A live line each second goes to stderr, the result to
 * stdout. Ctrl-C ends it early with the results so far; again, at once. Targets off this machine need --allow-remote,
 * unless they are gateways of the platform that was put on a Swarm from here.
 */
import { systemClock } from '../../clock.ts';
import { FlyballError } from '../../errors.ts';
import { arrivals, seededRandom } from '../../load/arrivals.ts';
import { closedLoop, openLoop } from '../../load/generator.ts';
import type { LoadReport } from '../../load/recorder.ts';
import type { Outcome, Target } from '../../load/target.ts';
import { gatewaysOf } from '../connect.ts';
import { flag, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { inferenceUrl, isLoopback } from '../inference-address.ts';
import { atRate, isRelative, readLoadPlan, type LoadPlan } from '../load-plan.ts';
import { openLoadTarget } from '../load-target.ts';
import { reportText, secondText } from '../load-text.ts';
import { formatOf, print } from '../output.ts';
import { symbolsOf } from '../terminal.ts';

/** Answers are waited for this long after the last request. */
const graceMs = 10_000;
/** Requests that are due but cannot be sent yet; a minute of lateness at a thousand a second. */
const backlogMax = 60_000;

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals } = invocation;
  const [deployment = ''] = positionals;
  const given = await readLoadPlan(values, terminal);
  const stopping = new AbortController();
  let interrupts = 0;
  const unsubscribe = terminal.onInterrupt(() => {
    interrupts++;
    // After the terminal's own ^C.
    if (interrupts === 1) terminal.stderr.write('\n  ending; waiting for the answers under way\n');
    stopping.abort();
  });
  try {
    const url = await inferenceUrl(invocation, deployment, given.protocol === 'grpc' ? 'grpc' : 'http');
    if (!isLoopback(url) && !flag(values, 'allow-remote') && !isOwnGateway(invocation, url))
      throw new UsageError(
        `${url.host} is not on this machine`,
        'load on other machines is a decision of its own: say --allow-remote if they are yours',
      );
    await using target = await openLoadTarget(invocation, url, deployment, given);
    await tryOnce(target, deployment);
    const plan = isRelative(given) ? atRate(given, await restfulRate(target)) : given;
    terminal.stderr.write(`  ${deployment} at ${url.origin}: ${plan.text}\n`);
    const report = await generate(target, plan, invocation, stopping.signal);
    await print(terminal, formatOf(values), {
      data: { deployment, url: url.origin, load: plan.summary, ...report },
      items: [...report.seconds, { deployment, url: url.origin, load: plan.summary, ...report, seconds: undefined }],
      names: () => [deployment],
      table: () => reportText(report, symbolsOf(terminal.env), plan.loop.kind === 'open'),
    });
    if (interrupts > 0) return exitCodes.interrupted;
    // Under overload some are refused, and that is a result; when most were, nothing was measured but the failure.
    return report.failed + report.unanswered > report.ok ? exitCodes.failed : exitCodes.done;
  } finally {
    unsubscribe();
  }
}

const isOwnGateway = (invocation: Invocation, url: URL): boolean =>
  ['http', 'grpc'].some((listener) =>
    gatewaysOf(invocation, listener as 'http' | 'grpc')?.some((gateway) => new URL(gateway).host === url.host),
  );

/** One request first: a deployment that answers nothing should say so in words and not in a table of failures. */
async function tryOnce(target: Target, deployment: string): Promise<void> {
  const outcome: Outcome = await target.send();
  if (outcome.kind === 'ok') return;
  const refused = outcome.code === 'ECONNREFUSED';
  throw new FlyballError(
    refused ? 'UNREACHABLE' : 'INFERENCE_FAILED',
    `${deployment} did not answer the first request (${outcome.code}): ${outcome.message}`,
  );
}

const restfulCalls = 5;

/** Half of what one caller gets who waits for each answer, in requests a second: what a replica can do at ease. */
async function restfulRate(target: Target): Promise<number> {
  const times: number[] = [];
  for (let call = 0; call < restfulCalls; call += 1) {
    const sentAt = systemClock.now();
    await target.send();
    times.push(systemClock.now() - sentAt);
  }
  const median = times.toSorted((left, right) => left - right)[restfulCalls >> 1] ?? 1;
  return Number((500 / Math.max(median, 0.1)).toPrecision(2));
}

async function generate(
  target: Target,
  plan: LoadPlan,
  { terminal }: Invocation,
  signal: AbortSignal,
): Promise<LoadReport> {
  const common = {
    target,
    clock: systemClock,
    durationMs: plan.durationMs,
    graceMs,
    onSecond: (second: Parameters<typeof secondText>[0]): void => terminal.stderr.write(secondText(second)),
  };
  if (plan.loop.kind === 'closed') return await closedLoop({ ...common, callers: plan.loop.callers }, signal);
  const { shape, arrivals: kind, seed } = plan.loop;
  const schedule = arrivals(shape, plan.durationMs, kind, seededRandom(seed));
  return await openLoop({ ...common, schedule, backlogMax }, signal);
}
