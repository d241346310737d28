/**
 * Where a metric family is found in InfluxDB: which measurement, under which field, with which tags. The few that are
 * looked at together stand in one measurement; a family that is not named here goes by its prefix, and one that has
 * none by its own name, so that a new family is there without a change here. Pure.
 */

export interface Place {
  readonly measurement: string;
  /** Empty: the measurement holds this family alone. */
  readonly field: string;
  /** The value of this label is added to the field's name, and is no tag. */
  readonly fieldLabel?: string;
  /** Added up over these labels, which are no tags. */
  readonly without?: readonly string[];
  readonly tags?: Readonly<Record<string, string>>;
  /** A whole number whatever its family's type. */
  readonly integer?: boolean;
}

const deployment = (field: string, more: Partial<Place> = {}): Place => ({
  measurement: 'flyball_deployment',
  field,
  integer: true,
  ...more,
});
const latency = (stage: string): Place => ({ measurement: 'flyball_latency', field: '', tags: { stage } });

const named: Readonly<Record<string, Place>> = {
  flyball_request_duration_seconds: latency('total'),
  flyball_queue_duration_seconds: latency('queue'),
  flyball_compute_duration_seconds: latency('compute'),
  flyball_cold_start_seconds: { measurement: 'flyball_cold_start', field: '' },
  flyball_replicas: deployment('replicas', { fieldLabel: 'state' }),
  flyball_replicas_desired: deployment('replicas_desired'),
  flyball_replicas_min: deployment('replicas_min'),
  flyball_replicas_max: deployment('replicas_max'),
  flyball_governor_target: deployment('target', { without: ['policy'] }),
  flyball_queue_length: deployment('queue_length', { without: ['version', 'worker'] }),
  flyball_requests_in_flight: deployment('requests_in_flight', { without: ['version', 'worker'] }),
  flyball_slo_latency_seconds: deployment('slo_latency_seconds', { integer: false }),
  flyball_slo_availability_ratio: deployment('slo_availability_ratio', { integer: false }),
  // One of a set, as 1 and 0: its label would be a tag of the same name as the field.
  flyball_governor_mode: { measurement: 'flyball_governor', field: 'mode', fieldLabel: 'mode', integer: true },
  flyball_sink_items_waiting: { measurement: 'flyball_sink', field: 'items_waiting', integer: true },
  flyball_replica_changes_total: { measurement: 'flyball_replica_changes', field: '' },
};

/** What begins with one of these is a field of one measurement: the rest of its name. */
export const groups = [
  'flyball_node',
  'flyball_replica',
  'flyball_governor',
  'flyball_process',
  'flyball_sink',
] as const;

export function placeOf(family: string): Place {
  const found = Object.hasOwn(named, family) ? named[family] : undefined;
  if (found !== undefined) return found;
  const group = groups.find((prefix) => family.startsWith(`${prefix}_`));
  if (group !== undefined) return { measurement: group, field: family.slice(group.length + 1) };
  return { measurement: family.replace(/_total$/, ''), field: '' };
}
