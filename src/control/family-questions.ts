/**
 * What gateways of other machines have counted, asked of each of them: their supervisor is not control's, which asks its own
 * processes itself. Whoever gives no answer in time is left out and counted.
 */
import type { FamiliesAnswer, FamiliesQuestion } from '../gateway/routing-table.ts';
import type { FamiliesOf, MetricFamily, Sample } from '../telemetry/metrics.ts';
import type { Registry } from '../telemetry/registry.ts';
import { openAsking } from './ask-all.ts';

/** Below the time that control gives its own supervisor for the same. */
const answerMsMax = 1500;

export interface FamilyQuestions<Asked extends object> {
  /** With the name of each: `node-2/0`. */
  ask(of: ReadonlyMap<Asked, string>): Promise<readonly FamiliesOf[]>;
  answered(by: Asked, answer: FamiliesAnswer): void;
  gone(asked: Asked): void;
  /** Answers that have not come, since the start. */
  missed(): number;
}

export function openFamilyQuestions<Asked extends object>(
  send: (to: Asked, question: FamiliesQuestion) => void,
): FamilyQuestions<Asked> {
  const asking = openAsking<Asked, FamiliesAnswer>(answerMsMax);
  let missed = 0;
  return {
    async ask(of) {
      const { given, silent } = await asking.all([...of.keys()], (to, id) => send(to, { kind: 'families?', id }));
      missed += silent;
      return [...of].flatMap(([asked, name]) => {
        const answer = given.get(asked);
        return answer === undefined ? [] : [ofGateway(name, answer.families)];
      });
    },
    answered: (by, answer) => asking.answered(by, answer.id, answer),
    gone: (who) => asking.gone(who),
    missed: () => missed,
  };
}

/** Its worker 0 is not this machine's: `worker="node-2/0"`, so that what is not to be added up stays apart. */
export function ofGateway(name: string, families: readonly MetricFamily[]): FamiliesOf {
  const named = <Of extends { readonly labels: Sample['labels'] }>(sample: Of): Of =>
    'worker' in sample.labels ? { ...sample, labels: { ...sample.labels, worker: name } } : sample;
  return {
    source: `gateway ${name}`,
    families: families.map((family) =>
      family.type === 'histogram'
        ? { ...family, samples: family.samples.map(named) }
        : { ...family, samples: family.samples.map(named) },
    ),
  };
}

export function registerMissed(registry: Registry, missed: () => number): void {
  registry.total(
    {
      name: 'flyball_gateway_metrics_missed_total',
      help: 'Times that a gateway of another machine did not tell control its metrics in time; sinks were told the others.',
      labels: [],
    },
    () => [{ labels: {}, value: missed() }],
  );
}
