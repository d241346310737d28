/** Newline-delimited JSON out of a stream's chunks, with a limit on the length of a line. */
import { StringDecoder } from 'node:string_decoder';
import { FlyballError } from '../errors.ts';

export function makeLineReader(bytesMax: number, onMessage: (message: unknown) => void): (chunk: Buffer) => void {
  const decoder = new StringDecoder('utf8');
  let rest = '';
  return (chunk) => {
    rest += decoder.write(chunk);
    let start = 0;
    for (let end = rest.indexOf('\n'); end !== -1; end = rest.indexOf('\n', start)) {
      const line = rest.slice(start, end);
      start = end + 1;
      if (line === '') continue;
      let message: unknown;
      try {
        message = JSON.parse(line);
      } catch (error) {
        throw new FlyballError('PROTOCOL', `expected a line of JSON, got ${line.slice(0, 60)}`, { cause: error });
      }
      onMessage(message);
    }
    rest = rest.slice(start);
    if (rest.length > bytesMax) throw new FlyballError('PROTOCOL', `expected a line of at most ${bytesMax} bytes`);
  };
}
