// A real server and real clients over real sockets; the daemon behind them is a handful of plain functions.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, statSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import t from 'tap';
import { fail } from '../../src/base/errors.js';
import { silentLog } from '../../src/base/log.js';
import { askDaemon, followDaemon } from '../../src/control/client.js';
import { socketPath } from '../../src/control/path.js';
import { createPhotoPlace } from '../../src/control/photo.js';
import type { WatchUpdate } from '../../src/control/protocol.js';
import { type ControlHandlers, startControl } from '../../src/control/server.js';
import { idleHandlers, idleStatus } from '../helpers/control-handlers.js';
import { shortFolder } from '../helpers/short-folder.js';

function handlers(over: Partial<ControlHandlers> = {}): ControlHandlers {
  return { ...idleHandlers, status: () => idleStatus, ...over };
}

function placeIn(folder: string) {
  return { listen: join(folder, 'lab.sock'), connect: [join(folder, 'lab.sock')] };
}

function deferred(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** Sends raw bytes and collects what comes back until the server closes. */
async function raw(path: string, bytes: string | Uint8Array): Promise<string> {
  const socket = connect(path);
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk;
  });
  socket.on('error', () => {});
  socket.write(bytes);
  await once(socket, 'close');
  return text;
}

t.test('each verb reaches its handler and brings its answer', async (t) => {
  const place = placeIn(shortFolder(t));
  const called: string[] = [];
  await using control = await startControl({
    place,
    log: silentLog,
    handlers: handlers({
      why: (last) => {
        called.push(`why ${last}`);
        return [];
      },
      pause: async () => void called.push('pause'),
      resume: async () => void called.push('resume'),
    }),
  });
  t.equal(control.path, place.listen);
  t.match(await askDaemon(place, { verb: 'status' }), { room: 'lab', pid: process.pid });
  t.same(await askDaemon(place, { verb: 'why', last: 7 }), []);
  t.same(await askDaemon(place, { verb: 'pause' }), { recognition: 'off' });
  t.same(await askDaemon(place, { verb: 'resume' }), { recognition: 'on' });
  t.same(called, ['why 7', 'pause', 'resume']);
});

t.test('only owner and group may open the socket, and stopping removes it', async (t) => {
  const place = placeIn(shortFolder(t));
  const control = await startControl({ place, log: silentLog, handlers: handlers() });
  t.equal(statSync(place.listen).mode & 0o777, 0o660);
  await control.stop();
  t.notOk(existsSync(place.listen));
  await t.rejects(askDaemon(place, { verb: 'status' }), { code: 'DAEMON_NOT_RUNNING', exitCode: 69 });
});

t.test('watch streams until the watcher leaves, and the daemon notices that', async (t) => {
  const place = placeIn(shortFolder(t));
  let watching = 0;
  const left = deferred();
  await using _ = await startControl({
    place,
    log: silentLog,
    handlers: handlers({
      watch(send) {
        watching++;
        const update: WatchUpdate = { type: 'state', at: '', occupied: false, people: [], ambiguous: [], strangers: 0 };
        send(update);
        send({ ...update, occupied: true });
        return () => {
          watching--;
          left.resolve();
        };
      },
    }),
  });
  const leave = new AbortController();
  const seen: WatchUpdate[] = [];
  for await (const update of followDaemon<WatchUpdate>(place, { verb: 'watch' }, leave.signal)) {
    seen.push(update);
    if (seen.length === 2) {
      t.equal(watching, 1);
      leave.abort();
    }
  }
  t.same(
    seen.map((update) => update.type === 'state' && update.occupied),
    [false, true],
  );
  await left.promise;
  t.equal(watching, 0);
});

t.test('a watcher that does not read is cut off instead of filling memory', async (t) => {
  const place = placeIn(shortFolder(t));
  let sent = 0;
  const ended = deferred();
  await using _ = await startControl({
    place,
    log: silentLog,
    handlers: handlers({
      watch(send) {
        const timer = setInterval(() => {
          for (let i = 0; i < 100; i++, sent++) {
            send({ type: 'event', at: 'x'.repeat(4000), event: 'left', person: null, name: null, confidence: 'high' });
          }
        }, 1);
        return () => {
          clearInterval(timer);
          ended.resolve();
        };
      },
    }),
  });
  const socket = connect(place.listen);
  socket.on('error', () => {});
  socket.pause();
  socket.write('GET /watch HTTP/1.1\r\nHost: x\r\n\r\n');
  await ended.promise;
  t.ok(sent * 4000 < 8 << 20, `cut off after ${sent} updates`);
  socket.destroy();
});

t.test('when the daemon stops, a watcher is told so', async (t) => {
  const place = placeIn(shortFolder(t));
  const control = await startControl({ place, log: silentLog, handlers: handlers() });
  const follow = followDaemon(place, { verb: 'watch' }, new AbortController().signal).next();
  setTimeout(() => void control.stop(), 50);
  await t.rejects(follow, { code: 'DAEMON_NOT_RUNNING' });
});

/** The status and the body of a raw HTTP answer; null where the server only closed. */
function answerOf(text: string): { readonly status: number; readonly body: string } | null {
  const [, status] = /^HTTP\/1\.1 (\d{3}) /.exec(text) ?? [];
  return status === undefined ? null : { status: Number(status), body: text.slice(text.indexOf('\r\n\r\n') + 4) };
}

t.test('hostile input is refused and the daemon lives on', async (t) => {
  const place = placeIn(shortFolder(t));
  await using _ = await startControl({ place, log: silentLog, handlers: handlers() });
  const head = 'Host: x\r\n\r\n';
  const hostile: (string | Uint8Array)[] = [
    '\r\n\r\nx\r\n\r\n',
    '{"verb":"status"}\n\n',
    `GET / HTTP/1.1\r\n${head}`,
    `GET /__proto__ HTTP/1.1\r\n${head}`,
    `GET /pause HTTP/1.1\r\n${head}`,
    `POST /status HTTP/1.1\r\n${head}`,
    `GET /why?last=0 HTTP/1.1\r\n${head}`,
    `GET /why?last=1e9 HTTP/1.1\r\n${head}`,
    `GET /why?last=-1 HTTP/1.1\r\n${head}`,
    `GET /why?last=201 HTTP/1.1\r\n${head}`,
    `GET //[ HTTP/1.1\r\n${head}`,
    `GET /%1b[2J HTTP/1.1\r\n${head}`,
    `GET /${'x'.repeat(70_000)} HTTP/1.1\r\n${head}`,
    `GET /status HTTP/1.1\r\nx: ${'x'.repeat(70_000)}\r\n${head}`,
    Uint8Array.of(0xff, 0xfe, 10, 10),
  ];
  for (const bytes of hostile) {
    const label = JSON.stringify(bytes).slice(0, 40);
    const text = await raw(place.listen, bytes);
    // A client that still sends when it is refused may lose the answer to the reset. It must not get anything else.
    const answer = answerOf(text);
    if (text !== '') t.ok(answer !== null && answer.status >= 400, `${label}: ${text.slice(0, 60)}`);
    if (answer !== null && answer.body !== '')
      t.match(JSON.parse(answer.body), { code: expectedCode(answer.status) }, label);
    t.notMatch(text, '\u001b');
  }
  t.match(await askDaemon(place, { verb: 'status' }), { room: 'lab' });
});

const expectedCode = (status: number): string => (status === 404 ? 'REQUEST_UNKNOWN' : 'USAGE');

const hasCurl = spawnSync('curl', ['--version']).error === undefined;

t.test('curl can ask', { skip: hasCurl ? false : 'curl is not installed' }, async (t) => {
  const place = placeIn(shortFolder(t));
  await using _ = await startControl({ place, log: silentLog, handlers: handlers() });
  const child = spawn('curl', ['-s', '--unix-socket', place.listen, 'http://localhost/status']);
  let text = '';
  child.stdout.on('data', (chunk) => {
    text += chunk;
  });
  await once(child, 'close');
  t.match(JSON.parse(text), { room: 'lab' });
});

t.test('streams never take the place of pause', async (t) => {
  const place = placeIn(shortFolder(t));
  let paused = 0;
  let watching = 0;
  await using _ = await startControl({
    place,
    log: silentLog,
    handlers: handlers({
      pause: async () => void paused++,
      watch: () => {
        watching++;
        return () => watching--;
      },
    }),
  });
  const leave = new AbortController();
  t.teardown(() => leave.abort());
  const updates = Array.from({ length: 20 }, () =>
    followDaemon(place, { verb: 'watch' }, leave.signal)
      .next()
      .catch((error: unknown) => error),
  );
  const refused = await Promise.race(updates);
  t.match(refused, { code: 'DAEMON_BUSY', exitCode: 69, message: /12 streams are open/ });
  await askDaemon(place, { verb: 'pause' });
  t.equal(paused, 1);
  t.ok(watching > 0 && watching <= 12, `${watching} streams`);
});

t.test('clients that send nothing and never leave do not keep their places', async (t) => {
  const place = placeIn(shortFolder(t));
  await using _ = await startControl({ place, log: silentLog, handlers: handlers() });
  // Half-open, so that these clients do not close their end when the server closes its own.
  const idle = Array.from({ length: 32 }, () => connect({ path: place.listen, allowHalfOpen: true }));
  t.teardown(() => {
    for (const socket of idle) socket.destroy();
  });
  await Promise.all(
    idle.map((socket) =>
      once(
        socket.resume().on('error', () => {}),
        'end',
      ),
    ),
  );
  t.same(await askDaemon(place, { verb: 'pause' }), { recognition: 'off' });
});

t.test("a handler's error is answered with its code; a bug with INTERNAL and no details", async (t) => {
  const place = placeIn(shortFolder(t));
  const logged: string[] = [];
  await using _ = await startControl({
    place,
    log: (_, message) => logged.push(message),
    handlers: handlers({
      pause: async () => {
        throw fail('DATABASE', 'the disk is full');
      },
      resume: async () => {
        throw new TypeError('secret detail');
      },
    }),
  });
  await t.rejects(askDaemon(place, { verb: 'pause' }), { code: 'DATABASE', exitCode: 74, message: 'the disk is full' });
  await t.rejects(askDaemon(place, { verb: 'resume' }), { code: 'INTERNAL', message: /journalctl/ });
  t.match(logged, [/secret detail/]);
});

t.test('a daemon that does not answer is not waited for without end', async (t) => {
  const place = placeIn(shortFolder(t));
  await using _ = await startControl({
    place,
    log: silentLog,
    handlers: handlers({ status: () => new Promise(() => {}) }),
  });
  await t.rejects(askDaemon(place, { verb: 'status' }, 100), { code: 'DAEMON_NOT_RUNNING', message: /within 0.1 s/ });
});

t.test('a second daemon of the same room is refused', async (t) => {
  const place = placeIn(shortFolder(t));
  await using _ = await startControl({ place, log: silentLog, handlers: handlers() });
  const again = startControl({ place, log: silentLog, handlers: handlers() });
  await t.rejects(again, { code: 'DAEMON_RUNNING', exitCode: 69 });
  const elsewhere = { listen: join(shortFolder(t), 'lab.sock'), connect: place.connect };
  const hidden = startControl({ place: elsewhere, log: silentLog, handlers: handlers() });
  await t.rejects(hidden, { code: 'DAEMON_RUNNING' }, 'also when it would listen elsewhere');
});

t.test('the socket of a daemon that was killed is replaced', async (t) => {
  const place = placeIn(shortFolder(t));
  const source = `require('net').createServer().listen(process.argv[1], () => console.log('up'))`;
  const child = spawn(process.execPath, ['-e', source, place.listen], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'exit');
  t.ok(existsSync(place.listen), 'the dead socket is still there');
  await using _ = await startControl({ place, log: silentLog, handlers: handlers() });
  t.match(await askDaemon(place, { verb: 'status' }), { room: 'lab' });
});

t.test('a file in the way is not removed', async (t) => {
  const place = placeIn(shortFolder(t));
  writeFileSync(place.listen, 'mine');
  const started = startControl({ place, log: silentLog, handlers: handlers() });
  await t.rejects(started, { code: 'CONFIG_INVALID' });
  t.ok(existsSync(place.listen));
});

t.test('the socket lies in the runtime directory under systemd and beside the gallery elsewhere', async (t) => {
  const options = { room: 'lab', storeDirectory: '/var/lib/roomkin', configured: null };
  t.same(socketPath(options, { RUNTIME_DIRECTORY: '/run/roomkin' }), {
    listen: '/run/roomkin/lab.sock',
    connect: ['/run/roomkin/lab.sock', '/var/lib/roomkin/lab.sock'],
  });
  t.same(socketPath(options, {}), {
    listen: '/var/lib/roomkin/lab.sock',
    connect: ['/var/lib/roomkin/lab.sock', '/run/roomkin/lab.sock'],
  });
  t.same(socketPath({ ...options, configured: '/tmp/x' }, { RUNTIME_DIRECTORY: '/run/roomkin' }), {
    listen: '/tmp/x',
    connect: ['/tmp/x'],
  });
  t.throws(() => socketPath({ ...options, storeDirectory: `/${'x'.repeat(110)}` }, {}), { code: 'CONFIG_INVALID' });
});

t.test('the sockets of several rooms take one photo at a time together', async (t) => {
  const folder = shortFolder(t);
  const photos = createPhotoPlace();
  const analysing = deferred();
  const started = deferred();
  const open = (room: string) => {
    const path = join(folder, `${room}.sock`);
    const analyze: ControlHandlers['analyze'] = async () => {
      started.resolve();
      await analysing.promise;
      return { faces: [], times: { detectMs: 0, alignMs: 0, embedMs: 0, tiles: 0 } };
    };
    return startControl({
      place: { listen: path, connect: [path] },
      log: silentLog,
      handlers: handlers({ analyze }),
      photos,
    });
  };
  await using kitchen = await open('kitchen');
  await using hall = await open('hall');
  const photo = 'POST /analyze?width=1&height=1 HTTP/1.1\r\nHost: roomkin\r\nContent-Length: 3\r\n\r\nrgb';
  const first = raw(kitchen.path, photo);
  await started.promise;
  t.match(await raw(hall.path, photo), /DAEMON_BUSY/);
  analysing.resolve();
  t.match(await first, /"faces":\[\]/);
  t.match(await raw(hall.path, photo), /"faces":\[\]/, 'the next one');
});
