/**
 * Protobuf's wire format, as far as the inference messages need it: a cursor that never reads past its end and never
 * allocates more than it was given, and a writer that leaves large byte fields where they are. The inference messages
 * have their codec by hand because a reflection codec makes an object an element, so that 64 MiB of empty submessages
 * would become gigabytes; all other messages go through protobufjs.
 *
 *   message = { tag value }     tag = varint (field << 3 | wire type)
 *   value   = varint (0) | 8 bytes LE (1) | varint length, bytes (2) | 4 bytes LE (5)
 */
import { FlyballError } from '../../errors.ts';

const malformed = (what: string, at: number): FlyballError =>
  new FlyballError('INVALID_REQUEST', `expected a protobuf message, got ${what} at byte ${at}`);

/** Reads one message. A class, because the position is shared by every method on the hottest path there is. */
export class Cursor {
  readonly bytes: Buffer;
  at: number;
  readonly end: number;
  /** The last varint read, as two unsigned halves. */
  low = 0;
  high = 0;

  constructor(bytes: Buffer, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get more(): boolean {
    return this.at < this.end;
  }

  /** Sets `low` and `high`. */
  varint(): void {
    let low = 0;
    let high = 0;
    for (let index = 0; index < 10; index += 1) {
      if (this.at >= this.end) throw malformed('a varint that is cut off', this.at);
      const byte = this.bytes[this.at++]!;
      const bits = byte & 0x7f;
      if (index < 4) low |= bits << (index * 7);
      else if (index === 4) {
        low |= bits << 28;
        high |= bits >>> 4;
      } else high |= bits << (index * 7 - 32);
      if (byte < 0x80) {
        this.low = low >>> 0;
        this.high = high >>> 0;
        return;
      }
    }
    throw malformed('a varint of more than ten bytes', this.at);
  }

  /** A tag; 0 is never a valid one. */
  tag(): number {
    this.varint();
    if (this.high !== 0 || this.low < 8) throw malformed('a field number out of range', this.at);
    return this.low;
  }

  /** Length of a delimited field, checked against what is there. */
  length(): number {
    this.varint();
    if (this.high !== 0 || this.low > this.end - this.at) {
      throw malformed(`a field longer than the ${this.end - this.at} bytes left`, this.at);
    }
    return this.low;
  }

  /** A view, not a copy. */
  delimited(): Buffer {
    const length = this.length();
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  string(): string {
    const length = this.length();
    this.at += length;
    return this.bytes.toString('utf8', this.at - length, this.at);
  }

  /** The submessage's own cursor; this one moves behind it. */
  message(): Cursor {
    const length = this.length();
    this.at += length;
    return new Cursor(this.bytes, this.at - length, this.at);
  }

  /** Position of the next `width` bytes, which are there. */
  fixed(width: number): number {
    if (width > this.end - this.at) throw malformed('a number that is cut off', this.at);
    this.at += width;
    return this.at - width;
  }

  skip(tag: number): void {
    switch (tag & 7) {
      case 0:
        this.varint();
        return;
      case 1:
        this.fixed(8);
        return;
      case 2:
        this.delimited();
        return;
      case 5:
        this.fixed(4);
        return;
      default:
        throw malformed(`wire type ${tag & 7}`, this.at);
    }
  }
}

/** The last varint of a cursor as a signed 64-bit number: a number where that is exact, a bigint otherwise. */
export function signed64(cursor: Cursor): number | bigint {
  const high = cursor.high | 0;
  if (high >= -0x20_0000 && high < 0x20_0000) return high * 0x1_0000_0000 + cursor.low;
  return BigInt.asIntN(64, (BigInt(cursor.high) << 32n) | BigInt(cursor.low));
}

export function unsigned64(cursor: Cursor): number | bigint {
  if (cursor.high < 0x20_0000) return cursor.high * 0x1_0000_0000 + cursor.low;
  return (BigInt(cursor.high) << 32n) | BigInt(cursor.low);
}

/** Byte fields above this many bytes are passed on as they are; below it one copy is cheaper than one more write. */
const copyBytesMax = 16_384;
/** Room before the message for a gRPC frame's prefix and the tag and length of an enclosing message. */
const headroom = 16;
/** Most answers fit; a larger first chunk would only use up the pool that it is cut from. */
const firstChunkBytes = 256;

/** Writes one message into pieces for one `writev`. */
export class Writer {
  #chunk = Buffer.allocUnsafe(firstChunkBytes);
  #start = headroom;
  #at = headroom;
  #pieces: Buffer[] = [];
  #pieceBytes = 0;

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#chunk.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#chunk.length * 2, this.#at + bytes));
    this.#chunk.copy(grown, 0, 0, this.#at);
    this.#chunk = grown;
  }

  varint(value: number): void {
    this.#reserve(10);
    const chunk = this.#chunk;
    let rest = value;
    while (rest > 0x7f_ff_ff_ff) {
      chunk[this.#at++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    while (rest > 0x7f) {
      chunk[this.#at++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    chunk[this.#at++] = rest;
  }

  /** A varint of two unsigned halves. */
  varint64(low: number, high: number): void {
    this.#reserve(10);
    const chunk = this.#chunk;
    let lower = low >>> 0;
    let upper = high >>> 0;
    while (upper !== 0 || lower > 0x7f) {
      chunk[this.#at++] = (lower & 0x7f) | 0x80;
      lower = ((lower >>> 7) | (upper << 25)) >>> 0;
      upper >>>= 7;
    }
    chunk[this.#at++] = lower;
  }

  bigint(value: bigint): void {
    const bits = BigInt.asUintN(64, value);
    this.varint64(Number(bits & 0xffff_ffffn), Number(bits >> 32n));
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#chunk.writeDoubleLE(value, this.#at);
  }

  string(field: number, value: string): void {
    this.varint((field << 3) | 2);
    // Three bytes a UTF-16 unit are the most that UTF-8 needs, so short strings are written without being measured.
    if (value.length < 42) {
      this.#reserve(1 + value.length * 3);
      const written = this.#chunk.write(value, this.#at + 1, 'utf8');
      this.#chunk[this.#at] = written;
      this.#at += 1 + written;
      return;
    }
    const length = Buffer.byteLength(value);
    this.varint(length);
    this.#reserve(length);
    this.#at += this.#chunk.write(value, this.#at, 'utf8');
  }

  /** Large values outside an open `begin` are not copied. */
  bytes(field: number, value: Uint8Array, mayBorrow = true): void {
    this.varint((field << 3) | 2);
    this.varint(value.length);
    if (mayBorrow && value.length > copyBytesMax) {
      this.#flush();
      this.#pieces.push(Buffer.from(value.buffer, value.byteOffset, value.byteLength));
      this.#pieceBytes += value.length;
      return;
    }
    this.#reserve(value.length);
    this.#chunk.set(value, this.#at);
    this.#at += value.length;
  }

  /** Opens a submessage; the returned mark closes it. A length below 128 needs no move. */
  begin(field: number): number {
    this.varint((field << 3) | 2);
    this.#reserve(1);
    this.#at += 1;
    return this.#at;
  }

  end(mark: number): void {
    const length = this.#at - mark;
    if (length < 0x80) {
      this.#chunk[mark - 1] = length;
      return;
    }
    const width = varintWidth(length);
    this.#reserve(width - 1);
    this.#chunk.copyWithin(mark - 1 + width, mark, this.#at);
    this.#at = mark - 1;
    this.varint(length);
    this.#at += length;
  }

  #flush(): void {
    if (this.#at > this.#start) {
      this.#pieces.push(this.#chunk.subarray(this.#start, this.#at));
      this.#pieceBytes += this.#at - this.#start;
    }
    this.#chunk = this.#chunk.subarray(this.#at);
    this.#start = 0;
    this.#at = 0;
  }

  /** The message as one gRPC frame, without compression; `within` wraps it as that field of an enclosing message. */
  frame(within?: number): Buffer[] {
    const first = this.#chunk;
    const only = this.#pieces.length === 0;
    const host = only ? first : this.#pieces[0]!;
    const total = this.#pieceBytes + this.#at - this.#start;
    if (!only && this.#at > this.#start) this.#pieces.push(first.subarray(this.#start, this.#at));
    // The first piece is always cut from the first chunk, so the headroom lies right before it.
    const room = Buffer.from(host.buffer, host.byteOffset - (only ? 0 : headroom), headroom);
    let start = headroom;
    let length = total;
    if (within !== undefined) {
      const width = varintWidth(total);
      start -= width + 1;
      room[start] = (within << 3) | 2;
      writeVarint(room, start + 1, total);
      length += width + 1;
    }
    start -= 5;
    room[start] = 0;
    room.writeUInt32BE(length, start + 1);
    if (only) return [first.subarray(start, this.#at)];
    this.#pieces[0] = Buffer.from(host.buffer, host.byteOffset - headroom + start, host.length + headroom - start);
    return this.#pieces;
  }
}

function varintWidth(value: number): number {
  let width = 1;
  for (let rest = value; rest > 0x7f; rest = Math.floor(rest / 128)) width += 1;
  return width;
}

function writeVarint(bytes: Buffer, at: number, value: number): void {
  let rest = value;
  let position = at;
  while (rest > 0x7f) {
    bytes[position++] = (rest % 128) | 0x80;
    rest = Math.floor(rest / 128);
  }
  bytes[position] = rest;
}
