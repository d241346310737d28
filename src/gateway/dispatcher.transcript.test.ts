/**
 * Behaviour with many parts, as transcripts: a script of arrivals, answers and deaths in, what the gateway did out.
 *
 *   arrive NAME [deadline=MS] [priority=N] [rows=N] [bad]    hang-up NAME
 *   answer REPLICA      die REPLICA      come REPLICA        pass MS
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poison } from '../testing/fake-replicas.ts';
import { createGatewayBench, route } from '../testing/gateway-bench.ts';

async function transcript(replicas: readonly string[], script: string): Promise<string> {
  const b = createGatewayBench({
    replicas: replicas.map((id) => route(id)),
    batching: { sizeMax: 4, delayMs: 0 },
  });
  const hangUps = new Map<string, AbortController>();
  const lines: string[] = [];
  let [logged, ended] = [0, 0];
  for (const step of script.trim().split('\n')) {
    const [verb = '', subject = '', ...options] = step.trim().split(/\s+/);
    const option = (name: string): number | undefined => {
      const found = options.find((one) => one.startsWith(`${name}=`));
      return found === undefined ? undefined : Number(found.slice(name.length + 1));
    };
    if (verb === 'arrive') {
      const fields = { deadlineMs: option('deadline'), priority: option('priority') };
      hangUps.set(subject, b.send(subject, fields, options.includes('bad') ? poison : 1, option('rows')));
    } else if (verb === 'hang-up') hangUps.get(subject)?.abort();
    else if (verb === 'answer') b.replicas.answer(subject);
    else if (verb === 'die') b.replicas.die(subject);
    else if (verb === 'come') b.replicas.come(subject);
    else if (verb === 'pass') b.clock.pass(Number(subject));
    else assert.fail(`unknown step ${step}`);
    await b.settle();
    lines.push(
      step.trim(),
      ...b.replicas.log.slice(logged).map((line) => `  ${line}`),
      ...b.ends.slice(ended).map((line) => `  ${line.replace(/ \[.*/, '')}`),
    );
    [logged, ended] = [b.replicas.log.length, b.ends.length];
  }
  return lines.join('\n');
}

/** Lines that are not indented are the script; the indented ones are what must have followed. */
function transcribes(title: string, replicas: readonly string[], expected: string): void {
  const lines = expected
    .trim()
    .split('\n')
    .map((line) => line.slice(Math.min(4, line.search(/\S/))));
  const script = lines.filter((line) => !line.startsWith(' ')).join('\n');
  test(title, async () => assert.equal(await transcript(replicas, script), lines.join('\n')));
}

transcribes(
  'two replicas under a burst, with one request that hangs up and one that is late',
  ['a', 'b'],
  `
    arrive 1
      a: 1
    arrive 2
      b: 2
    arrive 3
    arrive 4 deadline=80
    arrive 5
    arrive 6 priority=1
    hang-up 3
      3 CANCELLED
    pass 20
    answer b
      b: 6+4
      2 ok
    pass 60
      4 DEADLINE_EXCEEDED
    answer a
      a: 5
      1 ok
    answer b
      6 ok
    answer a
      5 ok
  `,
);

transcribes(
  'a replica dies with a batch in flight: its requests run again one by one, before those that wait',
  ['a', 'b'],
  `
    arrive 1
      a: 1
    arrive 2
      b: 2
    arrive 3
    arrive 4
    arrive 5
    answer a
      a: 3+4
      1 ok
    die a
    answer b
      b: 3
      2 ok
    answer b
      b: 4
      3 ok
    come a
      a: 5
    answer b
      4 ok
    answer a
      5 ok
  `,
);

transcribes(
  'a request that kills replicas takes two with it and nobody else down',
  ['a', 'b', 'c'],
  `
    arrive killer
      a: killer
    arrive 2
      b: 2
    arrive 3
      c: 3
    arrive 4
    die a
    answer b
      b: killer
      2 ok
    die b
      killer REPLICA_FAILED
    answer c
      c: 4
      3 ok
    answer c
      4 ok
  `,
);

transcribes(
  'a bad request in a full batch is found by halving',
  ['a'],
  `
    arrive 1
      a: 1
    arrive 2
    arrive 3 bad
    arrive 4
    arrive 5
    answer a
      a: 2+3+4+5
      1 ok
    answer a
      a: 2+3
    answer a
      a: 4+5
    answer a
      a: 2
      4 ok
      5 ok
    answer a
      a: 3
      2 ok
    answer a
      3 INFERENCE_FAILED
  `,
);
