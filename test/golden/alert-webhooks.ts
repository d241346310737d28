/** The table of alert webhooks: bodies, fingerprints, signatures, truncation. */
import assert from 'node:assert/strict';
import { fingerprintOf } from '../../src/telemetry/alerts/fingerprint.ts';
import { parsePayload, truncateAlerts, type ParsedPayload } from '../../src/telemetry/alerts/payload.ts';
import { signatureOf } from '../../src/telemetry/alerts/signature.ts';
import { check, runChecks } from './run.ts';
import type { Table, TableResult } from './table.ts';

interface PayloadCase {
  readonly body?: unknown;
  readonly bodyText?: string;
  readonly expected: {
    readonly accepted: boolean;
    readonly source?: string;
    readonly status?: string;
    readonly firing?: readonly string[];
    readonly resolved?: readonly string[];
    readonly truncated?: number;
    readonly orgId?: number;
  };
}

function parse({ body, bodyText }: PayloadCase): ParsedPayload {
  if (bodyText === undefined) return parsePayload(body);
  try {
    return parsePayload(JSON.parse(bodyText));
  } catch {
    return { kind: 'refused', reason: 'no JSON' };
  }
}

export async function runAlertWebhooks(table: Table): Promise<TableResult> {
  return runChecks(table, {
    payload: check<PayloadCase>((golden) => {
      const { expected } = golden;
      const parsed = parse(golden);
      assert.equal(parsed.kind === 'group', expected.accepted, JSON.stringify(parsed).slice(0, 200));
      if (parsed.kind === 'refused') return;
      const { source, status, alerts, truncated, orgId } = parsed.group;
      const inState = (state: string): readonly string[] =>
        alerts.filter((alert) => alert.state === state).map(({ fingerprint }) => fingerprint);
      const actual = { source, status, firing: inState('firing'), resolved: inState('resolved'), truncated, orgId };
      for (const [name, value] of Object.entries(expected))
        if (name !== 'accepted') assert.deepEqual(actual[name as keyof typeof actual], value, name);
      for (const { labels, fingerprint } of alerts) assert.equal(fingerprintOf(labels), fingerprint, 'of its labels');
    }),
    fingerprint: check<{ labels: Readonly<Record<string, string>>; expected: string }>(({ labels, expected }) =>
      assert.equal(fingerprintOf(labels), expected),
    ),
    signature: check<{ secret: string; body: string; timestamp: string | null; expected: string }>((golden) =>
      assert.equal(signatureOf(golden.secret, golden.body, golden.timestamp ?? undefined), golden.expected),
    ),
    truncate: check<{ maxAlerts: number; alerts: number; expected: { kept: number; truncatedAlerts: number } }>(
      ({ maxAlerts, alerts, expected }) => {
        const { kept, truncatedAlerts } = truncateAlerts(Array.from({ length: alerts }), maxAlerts);
        assert.deepEqual({ kept: kept.length, truncatedAlerts }, expected);
      },
    ),
  });
}
