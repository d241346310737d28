/**
 * What was inferred, for the statistics extension: this worker's figures, and those of several workers as one. Callers
 * meet any worker, so that the figures of one alone would tell nobody anything.
 */
import type { BatchStatistic, DurationStatistic, ModelStatistics } from '../protocol/inference.ts';
import type { DeployedVersions, Dispatcher } from './dispatcher.ts';
import { toStatistics } from './version-figures.ts';

export function statisticsOf({ route, versions }: DeployedVersions): ModelStatistics[] {
  return versions.map((version) => toStatistics(version.figures, route.name, version.route.version));
}

export function allStatistics(dispatcher: Pick<Dispatcher, 'deployments'>): ModelStatistics[] {
  return [...dispatcher.deployments()].flatMap(statisticsOf);
}

const plus = (left: DurationStatistic, right: DurationStatistic): DurationStatistic => ({
  count: left.count + right.count,
  ns: left.ns + right.ns,
});

/** `own` with what `others` have counted of the same versions; a version that only others know is left out. */
export function sumStatistics(
  own: readonly ModelStatistics[],
  others: readonly (readonly ModelStatistics[])[],
): ModelStatistics[] {
  return own.map((mine) =>
    others
      .flatMap((all) => all.filter(({ name, version }) => name === mine.name && version === mine.version))
      .reduce<ModelStatistics>(add, mine),
  );
}

function add(left: ModelStatistics, right: ModelStatistics): ModelStatistics {
  return {
    name: left.name,
    version: left.version,
    lastInferenceAt: Math.max(left.lastInferenceAt, right.lastInferenceAt),
    inferenceCount: left.inferenceCount + right.inferenceCount,
    executionCount: left.executionCount + right.executionCount,
    success: plus(left.success, right.success),
    fail: plus(left.fail, right.fail),
    queue: plus(left.queue, right.queue),
    computeInput: plus(left.computeInput, right.computeInput),
    computeInfer: plus(left.computeInfer, right.computeInfer),
    computeOutput: plus(left.computeOutput, right.computeOutput),
    batches: addBatches(left.batches ?? [], right.batches ?? []),
  };
}

function addBatches(left: readonly BatchStatistic[], right: readonly BatchStatistic[]): BatchStatistic[] {
  const bySize = new Map(left.map((batch) => [batch.size, batch]));
  for (const batch of right) {
    const there = bySize.get(batch.size);
    bySize.set(
      batch.size,
      there === undefined
        ? batch
        : {
            size: batch.size,
            computeInput: plus(there.computeInput, batch.computeInput),
            computeInfer: plus(there.computeInfer, batch.computeInfer),
            computeOutput: plus(there.computeOutput, batch.computeOutput),
          },
    );
  }
  return [...bySize.values()].toSorted((one, other) => one.size - other.size);
}
