/** The nearest of some names to what somebody wrote, for messages. Pure; it never guesses when nothing is near. */

/** Edits (insert, delete, replace, swap of neighbours) from one word to the other, without regard to case. */
export function editDistance(left: string, right: string): number {
  const from = left.toLowerCase();
  const to = right.toLowerCase();
  let beforeLast: readonly number[] = [];
  let last: readonly number[] = Array.from({ length: to.length + 1 }, (_, index) => index);
  for (let row = 1; row <= from.length; row++) {
    const current = [row];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (last[column - 1] ?? 0) + (from[row - 1] === to[column - 1] ? 0 : 1);
      let least = Math.min((last[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, replaced);
      const swapped = from[row - 1] === to[column - 2] && from[row - 2] === to[column - 1];
      if (row > 1 && column > 1 && swapped) least = Math.min(least, (beforeLast[column - 2] ?? 0) + 1);
      current.push(least);
    }
    beforeLast = last;
    last = current;
  }
  return last[to.length] ?? 0;
}

/** At most `most` names within a third of the length in edits, or beginning alike; nearest first. */
export function nearest(wanted: string, names: Iterable<string>, most = 3): readonly string[] {
  const reach = Math.max(1, Math.ceil(wanted.length / 3));
  return [...names]
    .map((name) => ({ name, distance: editDistance(wanted, name), alike: beginAlike(wanted, name) }))
    .filter(({ distance, alike }) => distance <= reach || alike)
    .sort((left, right) => left.distance - right.distance || (left.name < right.name ? -1 : 1))
    .slice(0, most)
    .map(({ name }) => name);
}

/** `; did you mean replicas?`, or nothing. */
export function didYouMean(wanted: string, names: Iterable<string>): string {
  const found = nearest(wanted, names);
  return found.length === 0 ? '' : `; did you mean ${found.join(' or ')}?`;
}

function beginAlike(left: string, right: string): boolean {
  const [short, long] = left.length < right.length ? [left, right] : [right, left];
  return short.length >= 3 && long.toLowerCase().startsWith(short.toLowerCase());
}
