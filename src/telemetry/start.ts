/** The telemetry of one process: call once at its start; everything published from then on is logged and counted. */
import { logEvents, openLog, type Logger } from './logs.ts';
import type { MetricFamily } from './metrics.ts';
import { openRegistry, type Registry } from './registry.ts';
import { recordRequests } from './request-metrics.ts';

export interface Telemetry {
  readonly log: Logger;
  /** For gauges that a process adds on its own. */
  readonly registry: Registry;
  families(): MetricFamily[];
}

export function startTelemetry(options: {
  readonly role: 'supervisor' | 'gateway' | 'control' | 'runner';
  readonly worker?: number;
  readonly logLevel: string;
  readonly sink?: (line: string) => void;
}): Telemetry {
  const { role, worker = 0, logLevel } = options;
  const registry = openRegistry();
  const log = openLog({ role, worker, level: logLevel, sink: options.sink });
  logEvents(log);
  recordRequests(registry);
  const labels = { role, worker: String(worker) };
  registry.gauge(
    {
      name: 'flyball_process_resident_memory_bytes',
      help: 'Resident memory of a process of the platform.',
      labels: ['role', 'worker'],
    },
    () => [{ labels, value: process.memoryUsage.rss() }],
  );
  registry.total(
    {
      name: 'flyball_process_cpu_seconds_total',
      help: 'Processor time used by a process of the platform since its start.',
      labels: ['role', 'worker'],
    },
    () => {
      const { user, system } = process.cpuUsage();
      return [{ labels, value: (user + system) / 1e6 }];
    },
  );
  return { log, registry, families: () => registry.families() };
}
