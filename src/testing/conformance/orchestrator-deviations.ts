/**
 * What an orchestrator's driver may do otherwise than the seam says: each by name, with what it does in place of it. The
 * suite looks for the one or the other and fails where it is not what was declared, so that this list is neither longer
 * nor shorter than the truth; the drivers' pages in docs/drivers show it.
 */
export const deviations = {
  'the engine chooses who goes': {
    seam: 'a stop ends the replica that it names',
    instead:
      'a stop ends one replica of the template; where it is not the one that was named, its end is told as the engine’s',
  },
  'the engine refills': {
    seam: 'what has died is gone until another is ordered',
    instead: 'the engine makes another in the place of what has died, and the next that is ordered is that one',
  },
  'the engine does not kill': {
    seam: 'a kill ends the replica at once',
    instead: 'a replica that is killed is given up: never listed again, it ends when the engine can be told',
  },
  'the grace is the platform’s': {
    seam: 'what is left after the grace that a stop gives is ended by force',
    instead: 'however short a grace is given, what was begun may take as long as the platform’s own',
  },
  'limits from the start': {
    seam: 'a limit of processors holds from when the replica is settled, and may be changed',
    instead: 'a limit of processors holds from the start; a change of it holds for the next replica',
  },
  'one machine': {
    seam: 'where no node may have a replica, its start fails with why; of one that runs it is said on which node',
    instead: 'there is one machine: placement means nothing, and there are no nodes to tell of',
  },
  'nobody else’s hand': {
    seam: 'what others change on the engine is told once and put right',
    instead: 'nobody else changes what is held',
  },
} as const;

export type DeviationName = keyof typeof deviations;

/** With the reason of each. */
export type Deviations = Readonly<Partial<Record<DeviationName, string>>>;

const single = {
  'one machine': 'replicas are processes of the machine where control runs',
  'nobody else’s hand': 'whoever ends a process has ended a replica, which is told as its exit',
} as const;

export const declared = {
  process: single,
  simulated: single,
  swarm: {
    'the engine chooses who goes': 'a service is told how many tasks it has, not which',
    'the engine refills': 'a service is a number that the engine keeps; the place of what has died is kept for 3 s',
    'the engine does not kill': 'no call of the engine ends one task of a service',
    'the grace is the platform’s': 'it is part of the service, as StopGracePeriod',
    'limits from the start': 'they are part of the service, and reserved on the node',
  },
} as const satisfies Readonly<Record<string, Deviations>>;

/** As it stands in the driver's page. */
export function deviationTable(of: Deviations): string {
  const rows = Object.entries(of).map(([name, why]) => [name, deviations[name as DeviationName].instead, why]);
  return [['deviation', 'what it does', 'why'], ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}
