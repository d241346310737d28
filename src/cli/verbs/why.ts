/** `flyball why`: the whole decision as a person reads it. It asks and prints; the words are the governor's. */
import type { RequestView } from '../../api/request-schemas.ts';
import { FlyballError } from '../../errors.ts';
import { connect } from '../connect.ts';
import type { ControlClient } from '../control-client.ts';
import { stringOption, type Invocation } from '../declaration.ts';
import { exitCodes, UsageError, type ExitCode } from '../exit-codes.ts';
import { parseMoment } from '../moment.ts';
import { formatOf, print } from '../output.ts';
import { requestText } from '../request-text.ts';
import { statusStyle } from '../terminal.ts';
import { whyText } from '../why-text.ts';

export async function run(invocation: Invocation): Promise<ExitCode> {
  const { terminal, values, positionals, signal } = invocation;
  const [name = ''] = positionals;
  const at = stringOption(values, 'at');
  const traceId = stringOption(values, 'request');
  if (at !== undefined && traceId !== undefined)
    throw new UsageError('a request says by itself when it came', 'leave out --at');
  const client = connect(invocation);
  const request = traceId === undefined ? undefined : await requestOf(client, name, traceId, signal);
  const moment = at === undefined ? request?.at : parseMoment(at, '--at', Date.now());
  const why = await client.why(name, moment === undefined ? undefined : Math.floor(moment), signal);
  const style = statusStyle(terminal);
  await print(terminal, formatOf(values), {
    data: request === undefined ? why : { request, why },
    names: () => [name],
    table: () => (request === undefined ? '' : `${requestText(request, style)}\n\n`) + whyText(why, style),
  });
  return exitCodes.done;
}

/** Of a trace with several requests of the deployment the slowest. */
async function requestOf(
  client: ControlClient,
  name: string,
  traceId: string,
  signal: AbortSignal,
): Promise<RequestView> {
  const { requests } = await client.trace(traceId, signal);
  const own = requests.filter(({ deployment }) => deployment === name);
  const slowest = own.toSorted((left, right) => right.totalMs - left.totalMs)[0];
  if (slowest !== undefined) return slowest;
  const others = [...new Set(requests.map(({ deployment }) => deployment))].join(', ');
  throw new FlyballError('REQUEST_NOT_FOUND', `trace ${traceId} asked ${others}, and not ${name}`);
}
