/** A machine of a cluster as the cluster's managers tell of it: plain data, in the words of Docker Swarm. */

/** Of a node as a whole, of what is promised on it, or of what one replica asks for. */
export interface Room {
  readonly cores: number;
  readonly memoryBytes: number;
  /** Whole units of what only some nodes have, by kind: `gpu` → 2. */
  readonly generic: Readonly<Record<string, number>>;
}

export interface ClusterMember {
  readonly id: string;
  readonly name: string;
  /** At which its published ports are reached. */
  readonly address: string;
  readonly role: 'manager' | 'worker';
  readonly state: 'ready' | 'down' | 'unknown' | 'disconnected';
  readonly availability: 'active' | 'pause' | 'drain';
  readonly labels: Readonly<Record<string, string>>;
  readonly whole: Room;
}

/** With what is promised on it. */
export interface ClusterNode extends ClusterMember {
  /** Promised to tasks on it, whoever's they are: what is used is another figure. */
  readonly reserved: Room;
  /** Tasks of this platform that hold room on it, by deployment. */
  readonly tasks: Readonly<Record<string, number>>;
}

/** The managers give it new tasks. */
export const takesTasks = ({ state, availability }: Pick<ClusterNode, 'state' | 'availability'>): boolean =>
  state === 'ready' && availability === 'active';
