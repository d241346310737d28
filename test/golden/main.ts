/**
 * `npm run test:golden`: runs every table that it knows from GOLDEN_DIR (default: the copy beside this file) against
 * the real thing and prints passed, failed and skipped a file. A table or case of a kind that it does not know is
 * counted as unknown, never as passed. Exit code 1 when a case failed or none ran.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runAlertWebhooks } from './alert-webhooks.ts';
import { runAws } from './aws.ts';
import { runForecasting } from './forecasting.ts';
import { runHpaBehavior } from './hpa-behavior.ts';
import { runHpaCalculator } from './hpa-calculator.ts';
import { runHpaController } from './hpa-controller.ts';
import { runKeda } from './keda.ts';
import { runKpa } from './kpa.ts';
import { runOpenInference } from './open-inference.ts';
import { runOpenMetrics } from './openmetrics.ts';
import { runQueueing } from './queueing.ts';
import { runRay } from './ray.ts';
import type { Table, TableResult } from './table.ts';

const runners: Readonly<Record<string, (table: Table) => Promise<TableResult>>> = {
  'alert_webhooks.json': runAlertWebhooks,
  'aws_scaling.json': runAws,
  'forecasting.json': runForecasting,
  'hpa_behavior.json': runHpaBehavior,
  'hpa_calculator.json': runHpaCalculator,
  'hpa_controller.json': runHpaController,
  'keda.json': runKeda,
  'knative_kpa.json': runKpa,
  'open_inference.json': runOpenInference,
  'openmetrics_text.json': runOpenMetrics,
  'queueing.json': runQueueing,
  'ray_serve.json': runRay,
};

const folder = process.env['GOLDEN_DIR'] ?? fileURLToPath(new URL('data', import.meta.url));
const totals = { passed: 0, failed: 0, skipped: 0, unknown: 0 };

for (const file of readdirSync(folder)
  .filter((name) => name.endsWith('.json'))
  .sort()) {
  const runner = runners[file];
  const table = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Table;
  if (runner === undefined) {
    totals.unknown += table.cases.length;
    console.log(`${file}: ${table.cases.length} cases of a table that is not known yet`);
    continue;
  }
  const result = await runner(table);
  for (const { name, reason } of result.failed) console.log(`  failed   ${name}: ${reason}`);
  for (const { name, reason } of result.skipped) console.log(`  skipped  ${name}: ${reason}`);
  console.log(
    `${file}: ${result.passed.length} passed, ${result.failed.length} failed, ${result.skipped.length} skipped of ${table.cases.length}`,
  );
  totals.passed += result.passed.length;
  totals.failed += result.failed.length;
  totals.skipped += result.skipped.length;
}
if (totals.unknown > 0) console.log(`unknown: ${totals.unknown}`);
console.log(`golden: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`);
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;
