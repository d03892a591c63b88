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

t.test('an answer of another form means another version', async (t) => {
  const place = await respond(t, 200, '{"version":"0","room":"lab"}');
  for (const verb of ['status', 'pause', 'resume'] as const)
    await t.rejects(askDaemon(place, { verb }), anotherVersion);
  await t.rejects(askDaemon(place, { verb: 'why', last: 1 }), anotherVersion);
  for (const verb of ['watch', 'live'] as const)
    await t.rejects(followDaemon(place, { verb }, signal).next(), anotherVersion);
});

t.test('an answer may have members that this version does not know', async (t) => {
  const place = await respond(t, 200, '{"recognition":"on","since":"2026-11-23T10:00:00.000Z"}');
  t.same(await askDaemon(place, { verb: 'resume' }), { recognition: 'on', since: '2026-11-23T10:00:00.000Z' });
  const line = { type: 'state', at: '', occupied: null, people: null, ambiguous: null, strangers: null, more: 1 };
  const stream = await respond(t, 200, `${JSON.stringify(line)}\n`);
  t.same((await followDaemon(stream, { verb: 'watch' }, signal).next()).value, line);
});

t.test('an answer or a line of more than 4 MiB is refused', async (t) => {
  const place = await respond(t, 200, 'x'.repeat(5 << 20));
  const tooLong = (part: string) => ({
    code: 'INTERNAL',
    message: new RegExp(`the daemon sent ${part} of more than 4 MiB: restart it`),
  });
  await t.rejects(askDaemon(place, { verb: 'status' }), tooLong('an answer'));
  await t.rejects(followDaemon(place, { verb: 'watch' }, signal).next(), tooLong('a line'));
});
