/** What is said about fields of a config.pbtxt while settings are made of it, and the bounds that they are held to. */

/** Collects what is said about fields by their paths; the places come from the text. */
export interface Remarks {
  readonly note: (path: string, text: string) => void;
  readonly problem: (path: string, text: string) => void;
}

/** Limits of model.yaml and of deployments. */
export const limits = { batch: 1024, delayMs: 1000, replicas: 1000, priorities: 16, queue: 100_000, threads: 256 };
