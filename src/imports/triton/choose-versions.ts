/** Which of the versions that a folder holds a version policy makes available, and what is said about the others. Pure. */
import type { VersionChoice } from './to-settings.ts';

export interface ChosenVersions {
  /** Ascending, of those that are there. */
  readonly versions: readonly number[];
  /** Named by the policy, but not there. */
  readonly missing: readonly number[];
  readonly notes: readonly string[];
}

/** `all` ascends. */
export function chooseVersions(all: readonly number[], choice: VersionChoice, file: string): ChosenVersions {
  if (choice.kind === 'all') return { versions: all, missing: [], notes: [] };
  const versions =
    choice.kind === 'latest' ? all.slice(-choice.count) : all.filter((version) => choice.versions.includes(version));
  const missing = choice.kind === 'specific' ? choice.versions.filter((version) => !all.includes(version)) : [];
  const left = all.filter((version) => !versions.includes(version));
  const leftOut = `${file}: version_policy leaves out ${left.join(', ')}`;
  const oneAtATime = `${file}: version_policy: a deployment serves one version at a time, by default ${versions.at(-1)}; deploy the others under names of their own (model: NAME:${versions[0]})`;
  const notes = [...(left.length === 0 ? [] : [leftOut]), ...(versions.length < 2 ? [] : [oneAtATime])];
  return { versions, missing, notes };
}
