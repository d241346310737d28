/** Containers of an engine, as tests use them: what a command in one prints, how it is. */
import type Docker from 'dockerode';
import { text } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';

export interface Executed {
  readonly code: number;
  readonly output: string;
}

/** Runs a command in a running container; `output` is what it wrote to both streams. */
export async function execute(container: Docker.Container, command: readonly string[]): Promise<Executed> {
  const exec = await container.exec({ Cmd: [...command], AttachStdout: true, AttachStderr: true });
  const stream = await exec.start({});
  const output = new PassThrough();
  container.modem.demuxStream(stream, output, output);
  stream.once('end', () => output.end());
  const written = await text(output);
  const { ExitCode } = await exec.inspect();
  return { code: ExitCode ?? -1, output: written };
}

/** What the container's own command has written so far. */
export async function logsOf(container: Docker.Container): Promise<string> {
  const logs: unknown = await container.logs({ stdout: true, stderr: true, follow: false });
  return String(logs);
}

/** `starting`, `healthy`, `unhealthy`; the last words of the check with it, for a message. */
export async function healthOf(
  container: Docker.Container,
): Promise<{ readonly status: string; readonly log: string }> {
  const { State } = await container.inspect();
  const last = State.Health?.Log?.at(-1) as { readonly Output?: string } | undefined;
  return { status: State.Health?.Status ?? State.Status, log: last?.Output ?? '' };
}
