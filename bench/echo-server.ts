/**
 * A bare node:http server that sends back the body that it read: what HTTP alone costs. At /json it parses the body and
 * prints it again: what a server of JSON cannot do without. It tells its parent the port.
 */
import http from 'node:http';

const server = http.createServer((request, response) => {
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const read = Buffer.concat(chunks);
    const body = request.url === '/json' ? Buffer.from(JSON.stringify(JSON.parse(read.toString('utf8')))) : read;
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
    response.end(body);
  });
});
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as { port: number }).port));
process.on('disconnect', () => process.exit());
