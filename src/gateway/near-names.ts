/** Names that somebody may have meant, for error messages. Not a search: at most three, and only close ones. */

const namesMax = 3;

export function nearNames(wanted: string, names: Iterable<string>): string[] {
  const near: { name: string; distance: number }[] = [];
  const limit = Math.max(2, Math.floor(wanted.length / 3));
  for (const name of names) {
    const distance =
      name.startsWith(wanted) || wanted.startsWith(name) ? 1 : editDistance(wanted.toLowerCase(), name.toLowerCase());
    if (distance <= limit) near.push({ name, distance });
  }
  return near
    .sort((a, b) => a.distance - b.distance || a.name.localeCompare(b.name))
    .slice(0, namesMax)
    .map(({ name }) => name);
}

/** Levenshtein. A path segment may be long, so only its beginning counts; names have at most 63 characters. */
function editDistance(one: string, other: string): number {
  const [a, b] = [one.slice(0, 64), other.slice(0, 64)];
  let above = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let row = 1; row <= a.length; row += 1) {
    const line = [row];
    for (let column = 1; column <= b.length; column += 1) {
      const replaced = (above[column - 1] ?? 0) + (a[row - 1] === b[column - 1] ? 0 : 1);
      line.push(Math.min(replaced, (above[column] ?? 0) + 1, (line[column - 1] ?? 0) + 1));
    }
    above = line;
  }
  return above[b.length] ?? 0;
}
