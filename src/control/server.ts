// The daemon's end of the control socket. Whoever may open it (owner and group) may ask; nobody can make it hold more than
// a few connections, lines or seconds of anything. A handler's fault is answered, never fatal.

import { chmod, mkdir, rename, stat, unlink } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { fail, oneLine, RoomkinError } from '../base/errors.js';
import type { Log } from '../base/log.js';
import type { ExplainedObservation } from '../journal/journal.js';
import { LineRefused, readLines } from './lines.js';
import type { SocketPath } from './path.js';
import {
  type ControlReply,
  type ControlRequest,
  controlRequest,
  type DaemonStatus,
  type LiveUpdate,
  maxRequestBytes,
  type WatchUpdate,
} from './protocol.js';

const maxConnections = 16;
/** A peer that has not sent its request by then is cut off. */
const requestWithinMs = 5000;
/** A `watch` or `live` that does not read is cut off when this much waits for it. */
const maxUnreadBytes = 256 * 1024;

/** What the daemon does for each verb. A RoomkinError is passed on with its code; anything else becomes INTERNAL. */
export interface ControlHandlers {
  status(): DaemonStatus | Promise<DaemonStatus>;
  /** The newest `last` looks, oldest first. */
  why(last: number): readonly ExplainedObservation[] | Promise<readonly ExplainedObservation[]>;
  /** Resolves when the camera's process is gone. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Calls `send` with the state at once and then for each change, until the returned function is called. */
  watch(send: (update: WatchUpdate) => void): () => void;
  /** Has every frame analysed and calls `send` with its faces, until the returned function is called. */
  live(send: (update: LiveUpdate) => void): () => void;
}

export interface Control extends AsyncDisposable {
  readonly path: string;
  /** Closes the socket, cuts off who is connected, removes the file. */
  stop(): Promise<void>;
}

/**
 * Listens on `place.listen`, mode 0660. A socket left behind by a dead daemon is replaced.
 * Errors: DAEMON_RUNNING when a daemon of the same room answers anywhere in `place.connect`.
 */
export async function startControl(options: {
  readonly place: SocketPath;
  readonly handlers: ControlHandlers;
  readonly log: Log;
}): Promise<Control> {
  const { place, handlers, log } = options;
  for (const path of place.connect) await refuseIfAlive(path);
  await mkdir(dirname(place.listen), { recursive: true, mode: 0o700 });
  await removeStale(place.listen);

  const sockets = new Set<Socket>();
  // Half-open: `echo ... | nc -U` has closed its end before the answer is there.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A peer that goes away in the middle is its own business.
    socket.on('error', () => socket.destroy());
    void serve(socket, handlers, log);
  });
  server.maxConnections = maxConnections;
  await listen(server, place.listen);
  await chmod(place.listen, 0o660);

  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    // close() also unlinks the file.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return { path: place.listen, stop, [Symbol.asyncDispose]: stop };
}

async function serve(socket: Socket, handlers: ControlHandlers, log: Log): Promise<void> {
  const reply = (line: ControlReply): void => {
    socket.write(`${JSON.stringify(line)}\n`);
  };
  const late = setTimeout(() => socket.destroy(), requestWithinMs);
  try {
    const lines = readLines(socket.iterator({ destroyOnReturn: false }), maxRequestBytes);
    const { value: line, done } = await lines.next();
    await lines.return(undefined);
    clearTimeout(late);
    if (done) return;
    const request = parseRequest(line);
    if (request.verb === 'watch') {
      await stream(socket, handlers.watch, reply);
    } else if (request.verb === 'live') {
      await stream(socket, handlers.live, reply);
    } else {
      reply({ ok: true, result: await answer(request, handlers) });
    }
  } catch (error) {
    if (error instanceof RoomkinError) reply({ ok: false, code: error.code, sentence: error.message });
    else if (error instanceof LineRefused) reply({ ok: false, code: 'USAGE', sentence: error.message });
    else if (!socket.destroyed) {
      log('error', `control socket: ${error instanceof Error ? error.message : String(error)}`);
      reply({
        ok: false,
        code: 'INTERNAL',
        sentence: 'the daemon could not answer: its log says why (journalctl -u roomkin)',
      });
    }
  } finally {
    clearTimeout(late);
    // The rest of what the peer sends is not read. Cut off once the reply has left, or is not fetched.
    const unread = setTimeout(() => socket.destroy(), requestWithinMs).unref();
    socket.once('close', () => clearTimeout(unread));
    socket.end(() => socket.destroy());
  }
}

function parseRequest(line: string): ControlRequest {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw fail('USAGE', `the request is not JSON: ${oneLine(line, 60)}`);
  }
  const parsed = controlRequest.safeParse(value);
  if (!parsed.success) throw fail('USAGE', `the request is not understood: ${oneLine(line, 60)}`);
  return parsed.data;
}

async function answer(
  request: Exclude<ControlRequest, { verb: 'watch' | 'live' }>,
  handlers: ControlHandlers,
): Promise<unknown> {
  switch (request.verb) {
    case 'status':
      return handlers.status();
    case 'why':
      return handlers.why(request.last);
    case 'pause':
      await handlers.pause();
      return { recognition: 'off' };
    case 'resume':
      await handlers.resume();
      return { recognition: 'on' };
  }
}

async function stream<Update>(
  socket: Socket,
  watch: (send: (update: Update) => void) => () => void,
  reply: (line: ControlReply) => void,
): Promise<void> {
  const gone = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  // Reading on is the only way to notice that the peer has closed its end.
  socket.once('end', () => socket.destroy());
  socket.resume();
  const unsubscribe = watch((update) => {
    if (socket.writableLength > maxUnreadBytes) socket.destroy();
    else if (socket.writable) reply({ ok: true, result: update });
  });
  try {
    await gone;
  } finally {
    unsubscribe();
  }
}

async function refuseIfAlive(path: string): Promise<void> {
  const socket = await connectControl(path).catch(() => null);
  if (socket === null) return;
  socket.destroy();
  throw fail(
    'DAEMON_RUNNING',
    `a roomkin daemon already runs for this room (it answers on ${path}): stop it first, or give this one another room.id`,
  );
}

/** Removes the file of a daemon that died. Two daemons that start at once must not remove each other's. */
async function removeStale(path: string): Promise<void> {
  const found = await stat(path).catch(() => null);
  if (found === null) return;
  if (!found.isSocket())
    throw fail('CONFIG_INVALID', `${path} is in the way of the control socket and is not a socket: move it away`);
  await refuseIfAlive(path);
  const aside = `${path}.${process.pid}`;
  await rename(path, aside);
  if ((await stat(aside)).ino !== found.ino) {
    await rename(aside, path);
    await refuseIfAlive(path);
  }
  await unlink(aside).catch(() => {});
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE')
        reject(fail('DAEMON_RUNNING', `a roomkin daemon has just started for this room (${path})`, error));
      else reject(fail('CONFIG_INVALID', `no control socket can be made at ${path}: ${error.message}`, error));
    });
    // bind(2) happens inside listen(): with this mask the file is never wider than 0660, not even for a moment.
    const mask = process.umask(0o117);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
}

// Opens a control socket. Shared by the client and by a starting daemon that asks whether another one is alive.

/** Resolves with a connected socket; rejects with the system's error (ENOENT, ECONNREFUSED, EACCES) or ETIMEDOUT after `timeoutMs`. */
export function connectControl(path: string, timeoutMs = 2000): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path, allowHalfOpen: false });
    const late = setTimeout(() => {
      socket.destroy();
      reject(Object.assign(new Error(`no answer from ${path} within ${timeoutMs} ms`), { code: 'ETIMEDOUT' }));
    }, timeoutMs);
    socket.once('error', (error) => {
      clearTimeout(late);
      reject(error);
    });
    socket.once('connect', () => {
      clearTimeout(late);
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
