// The client of the control socket against a server that answers like a daemon of another version or a faulty one.
import { createServer, type Server } from 'node:http';
import { join } from 'node:path';
import t from 'tap';
import { askDaemon, followDaemon } from '../../src/control/client.js';
import { shortFolder } from '../helpers/short-folder.js';

/** Answers every request with `status` and `body`. */
async function respond(t: { teardown(work: () => unknown): void }, status: number, body: string) {
  const path = join(shortFolder(t), 'lab.sock');
  const server: Server = createServer((_, response) => response.writeHead(status).end(body));
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.teardown(() => server.close());
  return { listen: path, connect: [path] };
}

const signal = new AbortController().signal;
const anotherVersion = { code: 'DAEMON_NOT_RUNNING', message: /the running daemon has another version: restart it/ };

t.test('a daemon that does not know the request has another version', async (t) => {
  const place = await respond(t, 404, '{"code":"REQUEST_UNKNOWN","message":"GET /live is not a known request"}');
  await t.rejects(askDaemon(place, { verb: 'status' }), anotherVersion);
  await t.rejects(followDaemon(place, { verb: 'live' }, signal).next(), anotherVersion);
});

t.test('a wrong argument does not mean another version', async (t) => {
  const place = await respond(t, 400, '{"code":"USAGE","message":"last takes a whole number"}');
  await t.rejects(askDaemon(place, { verb: 'why', last: 1 }), { code: 'USAGE' });
});
