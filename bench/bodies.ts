/** Request bodies as other clients write them: built here from the protocol's text, not with the code that is measured. */

/** A V2 request with one FP32 input as a binary tensor. */
export function v2BinaryBody(input: string, shape: readonly number[]): { body: Uint8Array; headerLength: number } {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
  const header = Buffer.from(
    JSON.stringify({
      inputs: [{ name: input, datatype: 'FP32', shape, parameters: { binary_data_size: data.byteLength } }],
      parameters: { binary_data_output: true },
    }),
  );
  return { body: Buffer.concat([header, Buffer.from(data.buffer)]), headerLength: header.length };
}

const lengthDelimited = (field: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(field << 3) | 2]), varint(bytes.length), bytes]);

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 0x80) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 0x7f) | 0x80);
  }
}

/** A ModelInferRequest with one FP32 input in raw_input_contents, in a gRPC frame. */
export function grpcInferBody(model: string, input: string, shape: readonly number[]): Uint8Array {
  const data = new Float32Array(shape.reduce((product, size) => product * size, 1)).fill(0.5);
  const tensor = Buffer.concat([
    lengthDelimited(1, Buffer.from(input)),
    lengthDelimited(2, Buffer.from('FP32')),
    lengthDelimited(3, Buffer.concat(shape.map(varint))),
  ]);
  const message = Buffer.concat([
    lengthDelimited(1, Buffer.from(model)),
    lengthDelimited(5, tensor),
    lengthDelimited(7, Buffer.from(data.buffer)),
  ]);
  const frame = Buffer.alloc(5);
  frame.writeUInt32BE(message.length, 1);
  return Buffer.concat([frame, message]);
}
