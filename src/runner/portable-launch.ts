/**
 * A launch that holds on any machine: wherever it names a file of the artefact store, it names the artefact instead. The
 * one who writes it and the task that reads it each have the store, or a cache of it, somewhere else.
 */
import { join, sep } from 'node:path';
import type { RunnerLaunch } from './launch.ts';

/** What a launch is, but for where it listens, which whoever runs it knows. */
export type LaunchBody = Omit<RunnerLaunch, 'listen' | 'lifeline'>;

export interface PortableLaunch<Body = LaunchBody> {
  /** With `artefact:sha256:…` in place of paths. */
  readonly body: Body;
  /** Every artefact that it names, once. */
  readonly artefacts: readonly string[];
}

const scheme = 'artefact:';
const hexDigits = 64;

/** `root` is the artefact store's folder; a path outside it stays as it is, for images that have it. */
export function portable<Body>(body: Body, root: string): PortableLaunch<Body> {
  const artefacts = new Set<string>();
  const kept = join(root, 'sha256') + sep;
  const carried = mapText(body, (text) => {
    const hex = text.slice(-hexDigits);
    if (!text.startsWith(kept) || !/^[0-9a-f]{64}$/.test(hex)) return text;
    artefacts.add(`sha256:${hex}`);
    return `${scheme}sha256:${hex}`;
  });
  return { body: carried, artefacts: [...artefacts] };
}

/** The same with paths again: `pathOf` says where an artefact is here. */
export function local<Body>(body: Body, pathOf: (digest: string) => string): Body {
  return mapText(body, (text) => (text.startsWith(scheme) ? pathOf(text.slice(scheme.length)) : text));
}

/** Every string in it, also the keys: some files are listed by their path. */
function mapText<T>(value: T, change: (text: string) => string): T {
  const map = (each: unknown): unknown => {
    if (typeof each === 'string') return change(each);
    if (Array.isArray(each)) return each.map(map);
    if (typeof each !== 'object' || each === null) return each;
    return Object.fromEntries(Object.entries(each).map(([key, inner]) => [change(key), map(inner)]));
  };
  return map(value) as T;
}
