/** The table of OpenMetrics expositions: what has to be accepted with what it says, and what has to be refused. */
import assert from 'node:assert/strict';
import { ExpositionError, type ParsedFamily } from '../../src/telemetry/openmetrics/family.ts';
import { parseOpenMetrics } from '../../src/telemetry/openmetrics/parse.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface ParseCase {
  readonly text: string;
  readonly expected: {
    readonly accepted: boolean;
    readonly families?: readonly {
      readonly name: string;
      readonly type: string;
      readonly unit: string;
      readonly samples: readonly (readonly [string, Readonly<Record<string, string>>, number | string])[];
    }[];
  };
}

function parse(text: string): readonly ParsedFamily[] | undefined {
  try {
    return parseOpenMetrics(text);
  } catch (error) {
    if (error instanceof ExpositionError) return undefined;
    throw error;
  }
}

/** As the table writes what JSON has no number for. */
function written(value: number): number | string {
  if (Number.isFinite(value)) return value;
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}

export async function runOpenMetrics(table: Table): Promise<TableResult> {
  return runChecks(table, {
    parse: check<ParseCase>(({ text, expected }) => {
      const families = parse(text);
      assert.equal(families !== undefined, expected.accepted, 'accepted');
      if (families === undefined || expected.families === undefined) return;
      const actual = families.map(({ name, type, unit, samples }) => ({
        name,
        type,
        unit,
        samples: samples.map((sample) => [sample.name, sample.labels, written(sample.value)]),
      }));
      assert.deepEqual(actual, expected.families);
    }),
  });
}
