/** Lengths of text: what is too long is cut, never through a character, and with a mark that shows it. Pure. */

const mark = '…';

/** At most `max` UTF-16 units, of which one is the mark where anything is missing. */
export function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  if (max < 1) return '';
  let end = max - mark.length;
  const last = text.charCodeAt(end - 1);
  // The first half of a pair alone is no character.
  if (last >= 0xd8_00 && last <= 0xdb_ff) end -= 1;
  return `${text.slice(0, Math.max(0, end))}${mark}`;
}

/**
 * The same for what has been escaped already: an escape is not cut in two. `escape` matches one whole escape and stays
 * sticky-free; a half one at the end goes.
 */
export function cutEscaped(text: string, max: number): string {
  if (text.length <= max) return text;
  const short = cut(text, max);
  if (short === '') return short;
  // A backslash without what it escapes, or an entity without its end.
  const body = short.slice(0, -mark.length).replace(/&[a-z]{0,4}$/u, '');
  const [slashes = ''] = /\\*$/u.exec(body) ?? [];
  return `${slashes.length % 2 === 1 ? body.slice(0, -1) : body}${mark}`;
}

/** One line without control characters, which would end a header or hide what stands there. */
export function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
}

/** Lines stay, every other control character goes. */
export function plainLines(text: string): string {
  return text
    .split(/\r\n|[\n\r\u2028\u2029]/u)
    .map(oneLine)
    .join('\n');
}
