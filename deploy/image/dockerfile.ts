/**
 * The part of the Dockerfile's language that deploy/image/Dockerfile uses, turned into the configuration of an image as
 * the OCI Image Specification has it. Whatever it does not know is an error: nothing that a daemon would carry out is
 * passed over here.
 */

/** Field names and units (nanoseconds) are Docker's and OCI's own. */
export interface ImageConfig {
  readonly User: string;
  readonly ExposedPorts: Readonly<Record<string, object>>;
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd: readonly string[];
  readonly Healthcheck: Readonly<Record<string, unknown>>;
  readonly WorkingDir: string;
  readonly Labels: Readonly<Record<string, string>>;
  readonly StopSignal: string;
}

/** One layer: the folder that it is made of, where it goes, to whom it belongs. */
export interface Copy {
  readonly from: string;
  readonly to: string;
  readonly owner: number;
  readonly line: string;
}

export interface ParsedDockerfile {
  readonly config: ImageConfig;
  readonly copies: readonly Copy[];
}

export function parseDockerfile(text: string, given: Readonly<Record<string, string>>): ParsedDockerfile {
  const args = new Map<string, string>();
  const copies: Copy[] = [];
  const config: { -readonly [Key in keyof ImageConfig]: ImageConfig[Key] } = {
    User: '',
    ExposedPorts: {},
    Env: [],
    Entrypoint: [],
    Cmd: [],
    Healthcheck: {},
    WorkingDir: '/',
    Labels: {},
    StopSignal: 'SIGTERM',
  };
  for (const written of text.split('\n')) {
    const line = written.trim();
    if (line === '' || line.startsWith('#')) continue;
    const rest = line.replace(/^\S+\s*/, '').replaceAll(/\$\{(\w+)\}/g, (_, name: string) => {
      const value = args.get(name);
      if (value === undefined) throw new Error(`Dockerfile: ${name} is not declared before ${line}`);
      return value;
    });
    const [instruction] = line.split(/\s/, 1);
    switch (instruction) {
      case 'ARG': {
        const [name = '', value = ''] = rest.split('=');
        args.set(name, given[name] ?? value);
        break;
      }
      case 'FROM':
        if (rest !== 'scratch') throw new Error(`Dockerfile: expected FROM scratch, came ${rest}: that takes a daemon`);
        break;
      case 'COPY':
        copies.push(copyOf(rest, line));
        break;
      case 'ENV':
        config.Env = [...config.Env, ...pairsOf(rest).map(([name, value]) => `${name}=${value}`)];
        break;
      case 'LABEL':
        config.Labels = { ...config.Labels, ...Object.fromEntries(pairsOf(rest)) };
        break;
      case 'EXPOSE':
        config.ExposedPorts = Object.fromEntries(rest.split(/\s+/).map((port) => [`${port}/tcp`, {}]));
        break;
      case 'USER':
        config.User = rest;
        break;
      case 'WORKDIR':
        config.WorkingDir = rest;
        break;
      case 'STOPSIGNAL':
        config.StopSignal = rest;
        break;
      case 'HEALTHCHECK':
        config.Healthcheck = healthcheckOf(rest);
        break;
      case 'ENTRYPOINT':
        config.Entrypoint = wordsOf(rest);
        break;
      case 'CMD':
        config.Cmd = wordsOf(rest);
        break;
      default:
        throw new Error(`Dockerfile: no instruction that is known here: ${line}`);
    }
  }
  return { config, copies };
}

function copyOf(rest: string, line: string): Copy {
  const [, owner = '0', from = '', to = ''] = /^(?:--chown=(\d+):\d+ )?(\w+)\/ (\/\S*)$/.exec(rest) ?? [];
  if (from === '') throw new Error(`Dockerfile: expected COPY [--chown=N:N] FOLDER/ /PATH, came ${line}`);
  return { from, to: to.replaceAll(/^\/|\/$/g, ''), owner: Number(owner), line };
}

/** `NAME=value OTHER="two words"`. */
function pairsOf(rest: string): readonly (readonly [string, string])[] {
  return [...rest.matchAll(/([\w.]+)=(?:"([^"]*)"|(\S*))/g)].map(([, name = '', quoted, plain = '']) => [
    name,
    quoted ?? plain,
  ]);
}

/** The form without a shell, which is the only one that works where there is none. */
function wordsOf(rest: string): readonly string[] {
  return JSON.parse(rest) as readonly string[];
}

function healthcheckOf(rest: string): Readonly<Record<string, unknown>> {
  const [options = '', command = ''] = rest.split(/ CMD /);
  const names: Readonly<Record<string, string>> = {
    interval: 'Interval',
    timeout: 'Timeout',
    'start-period': 'StartPeriod',
  };
  const read = [...options.matchAll(/--([\w-]+)=(\d+)(s?)/g)].map(([, name = '', count, unit]) =>
    unit === 's' ? [names[name] ?? name, Number(count) * 1e9] : ['Retries', Number(count)],
  );
  return { Test: ['CMD', ...wordsOf(command)], ...(Object.fromEntries(read) as object) };
}
