/**
 * The first part of a multipart/form-data body, as `curl -F data=@file` sends it. Not a general parser: one file is what
 * a prediction takes. Invariant: the bytes given back are a view of the part's content and nothing else.
 *
 *   --boundary CRLF (header CRLF)* CRLF content CRLF --boundary …
 */
import { FlyballError } from '../../errors.ts';

export interface Part {
  readonly bytes: Uint8Array;
  readonly contentType?: string;
}

const headerBytesMax = 16_384;

export function firstPart(body: Uint8Array, contentType: string): Part {
  const boundary = /;\s*boundary=(?:"([^"]{1,200})"|([^;\s]{1,200}))/i.exec(contentType);
  const buffer = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const line = `--${boundary?.[1] ?? boundary?.[2] ?? ''}`;
  const start = boundary === null ? -1 : buffer.indexOf(`${line}\r\n`);
  const headers = start + line.length + 2;
  const content = start === -1 ? -1 : buffer.indexOf('\r\n\r\n', headers);
  const end = content === -1 ? -1 : buffer.indexOf(`\r\n${line}`, content + 4);
  if (end === -1 || content - headers > headerBytesMax) {
    throw new FlyballError(
      'INVALID_REQUEST',
      `expected a multipart body with one whole part between its boundaries, got ${body.byteLength} bytes without`,
    );
  }
  const type = /^content-type:[ \t]*([^\r\n;]+)/im.exec(buffer.toString('latin1', headers, content));
  return { bytes: body.subarray(content + 4, end), ...(type?.[1] !== undefined && { contentType: type[1].trim() }) };
}
