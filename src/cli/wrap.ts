/** Lines that fit: words flow to the next line under a hanging indent; what has to stay one line is cut. Pure. */
import { displayWidth } from './output.ts';
import type { TerminalStream } from './terminal.ts';

/** Where nobody looks at it as it comes, a line may be a little longer than a terminal's. */
const pipedColumns = 100;
const columnsMin = 40;

export function columnsOf(stream: TerminalStream): number {
  return stream.isTTY ? Math.max(columnsMin, stream.columns) : pipedColumns;
}

/** The text's own spaces at the beginning are kept; words longer than a line stand out. */
export function wrap(text: string, columns: number, hanging = 0): string {
  const lead = /^ */.exec(text)?.[0] ?? '';
  const lines: string[] = [];
  let line = lead;
  let isEmpty = true;
  for (const word of text.slice(lead.length).split(' ')) {
    if (!isEmpty && displayWidth(line) + 1 + displayWidth(word) > columns) {
      lines.push(line);
      line = ' '.repeat(hanging) + word;
    } else {
      line += isEmpty ? word : ` ${word}`;
    }
    isEmpty = false;
  }
  return [...lines, line].join('\n');
}

/** Two columns; the right one flows. On a narrow terminal it goes below the left one. */
export function definitions(rows: readonly (readonly [string, string])[], columns: number): string[] {
  const width = Math.max(...rows.map(([left]) => displayWidth(left)));
  const isNarrow = columns - width - 4 < columnsMin / 2;
  return rows.map(([left, right]) => {
    const space = ' '.repeat(width - displayWidth(left));
    return isNarrow
      ? `  ${left}\n${wrap(`      ${right}`, columns, 6)}`
      : wrap(`  ${left}${space}  ${right}`.replace(/ {2,}/g, glue), columns, width + 4).replaceAll('\u0000', ' ');
  });
}

/** Spaces that align must not be taken for those between words. */
const glue = (spaces: string): string => '\u0000'.repeat(spaces.length);

/** Cut to what the terminal shows in one line; escape codes take no room and all of them are kept. */
export function cut(line: string, columns: number, ellipsis: string): string {
  if (displayWidth(line) <= columns) return line;
  const room = columns - displayWidth(ellipsis);
  let kept = '';
  let width = 0;
  // eslint-disable-next-line no-control-regex -- the escape character is what is looked for
  for (const [part] of line.matchAll(/\u001B\[[\d;]*m|[^]/gu)) {
    if (part.startsWith('\u001B[')) {
      kept += part;
      continue;
    }
    const next = displayWidth(part);
    if (width === -1 || width + next > room) {
      if (width !== -1) kept += ellipsis;
      width = -1;
      continue;
    }
    kept += part;
    width += next;
  }
  return kept;
}
