/** What TorchServe's management API answers, whatever was asked: its status and its body. */
export interface Outcome {
  readonly status: 200 | 202;
  readonly value: unknown;
}

export const done = (status: string): Outcome => ({ status: 200, value: { status } });
/** What was asked for goes on after the answer. */
export const accepted: Outcome = { status: 202, value: { status: 'Processing worker updates...' } };
