/**
 * Reads InfluxDB line protocol as its reference says, one character after another; written without looking at the
 * encoder, so that one can be held against the other. Throws for whatever is not a line.
 */
export interface ParsedLine {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, number | bigint | boolean | string>>;
  readonly at: bigint;
}

/** All lines of a body; one that is empty or a comment is passed over. */
export function parseLines(body: string): ParsedLine[] {
  const lines: ParsedLine[] = [];
  let place = 0;
  while (place < body.length) {
    if (body.charAt(place) === '\n') place += 1;
    else if (body.charAt(place) === '#') place = body.indexOf('\n', place) + 1 || body.length;
    else lines.push(line());
  }
  return lines;

  function fail(expected: string): never {
    throw new SyntaxError(`expected ${expected} at ${place}: ${JSON.stringify(body.slice(0, 500))}`);
  }

  /** Up to a stop that no backslash stands before; a backslash goes where it stands before one of `special`. */
  function name(special: string): string {
    let found = '';
    for (; place < body.length; place += 1) {
      const character = body.charAt(place);
      if (character === '\n' || special.includes(character)) break;
      const next = body.charAt(place + 1);
      if (character === '\\' && next !== '' && special.includes(next)) {
        found += next;
        place += 1;
      } else found += character;
    }
    return found === '' ? fail('a name') : found;
  }

  function expect(character: string): void {
    if (body.charAt(place) !== character) fail(JSON.stringify(character));
    place += 1;
  }

  function line(): ParsedLine {
    const tags: Record<string, string> = Object.create(null);
    const fields: Record<string, number | bigint | boolean | string> = Object.create(null);
    const measurement = name(', ');
    while (body.charAt(place) === ',') {
      place += 1;
      const key = name(',= ');
      expect('=');
      tags[key] = name(',= ');
    }
    expect(' ');
    for (;;) {
      const key = name(',= ');
      expect('=');
      fields[key] = value();
      if (body.charAt(place) !== ',') break;
      place += 1;
    }
    expect(' ');
    const [time = fail('a time')] = /^-?\d+(?=\n|$)/.exec(body.slice(place, place + 30)) ?? [];
    place += time.length + 1;
    return { measurement, tags, fields, at: BigInt(time) };
  }

  function value(): number | bigint | boolean | string {
    if (body.charAt(place) === '"') {
      let found = '';
      for (place += 1; body.charAt(place) !== '"'; place += 1) {
        if (place >= body.length) fail('the end of a string');
        const next = body.charAt(place + 1);
        if (body.charAt(place) === '\\' && (next === '"' || next === '\\')) place += 1;
        found += body.charAt(place);
      }
      place += 1;
      return found;
    }
    const [token = ''] = /^[^, \n]*/.exec(body.slice(place, place + 400)) ?? [];
    if (token === '') fail('a value');
    place += token.length;
    if (token === 'true' || token === 'false') return token === 'true';
    if (/^-?\d+i$/.test(token)) return BigInt(token.slice(0, -1));
    if (/^-?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(token)) return Number(token);
    return fail(`a value instead of ${token}`);
  }
}
