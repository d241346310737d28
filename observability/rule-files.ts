/** The rules as files: for Prometheus, and for `promtool test rules`. */
import { stringify } from 'yaml';
import { alerts, expressionOf } from './alerts.ts';
import { burnTests } from './burn-proof.ts';
import { generatedNote } from './note.ts';
import { labelsOf, stateTests } from './proof.ts';
import { recordingGroups } from './recording-rules.ts';

const toYaml = (value: object): string => `# ${generatedNote}\n${stringify(value, { lineWidth: 0 })}`;

export function ruleFile(): string {
  const rules = alerts.map((alert) => ({
    alert: alert.name,
    expr: expressionOf(alert),
    for: alert.for,
    labels: labelsOf(alert),
    annotations: { summary: alert.summary, description: alert.description },
  }));
  return toYaml({ groups: [...recordingGroups, { name: 'flyball-alerts', rules }] });
}

export function ruleTestFile(): string {
  return toYaml({
    rule_files: ['flyball.rules.yml'],
    evaluation_interval: '1m',
    tests: [...stateTests(alerts), ...burnTests],
  });
}
