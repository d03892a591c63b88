// The server of the control socket. Owner and group may open it. Connections, bytes and times are limited for every client, and streams
// never use up the connections of short requests. An error of a handler is answered and never fatal.
import { chmod, mkdir, rename, stat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fail, oneLine, RoomkinError, sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { printableJson } from '../base/printable.js';
import type { ExplainedObservation } from '../journal/journal.js';
import type { SocketPath } from './path.js';
import {
  type ControlError,
  type DaemonStatus,
  type LiveUpdate,
  maxObservations,
  type WatchUpdate,
} from './protocol.js';

/** The most simultaneous streams; the other connections stay free for short requests. */
const maxStreams = 12;
const maxConnections = 32;
/** A client that has not sent its request within this time is disconnected. */
const requestWithinMs = 5000;
/** Longest head of a request; no request has a body. */
const maxHeadBytes = 4096;
/** A stream is closed when this much is unread by its client. */
const maxUnreadBytes = 256 * 1024;

/** The handler of each verb. A RoomkinError is answered with its code, any other error with INTERNAL. */
export interface ControlHandlers {
  status(): DaemonStatus | Promise<DaemonStatus>;
  /** The newest `last` observations, oldest first. */
  why(last: number): readonly ExplainedObservation[] | Promise<readonly ExplainedObservation[]>;
  /** Resolves when the camera's process is gone. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Calls `send` with the present state and then for each change, until the returned function is called. */
  watch(send: (update: WatchUpdate) => void): () => void;
  /** Has every frame analysed and calls `send` with its faces, until the returned function is called. */
  live(send: (update: LiveUpdate) => void): () => void;
}

export interface Control extends AsyncDisposable {
  readonly path: string;
  /** Closes the socket, disconnects every client, removes the file. */
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

  const limits = { maxHeaderSize: maxHeadBytes, headersTimeout: requestWithinMs, requestTimeout: requestWithinMs };
  const server = createServer({ ...limits, connectionsCheckingInterval: 1000 });
  server.maxConnections = maxConnections;
  let streams = 0;
  server.on('request', (request, response) => {
    // One request per connection, because an idle connection would use up one of the limited connections.
    response.shouldKeepAlive = false;
    request.resume();
    const openStream = (): (() => void) => {
      if (streams >= maxStreams)
        throw fail(
          'DAEMON_BUSY',
          `${maxStreams} streams are open, no more are possible: end a \`roomkin watch\` first`,
        );
      streams += 1;
      return () => {
        streams -= 1;
      };
    };
    answer(request, response, handlers, openStream).catch((error: unknown) => answerError(response, error, log));
  });
  server.on('clientError', (_, socket) => {
    // HTTP sockets are half-open. Without destroy(), a client that never closes its end would keep the connection.
    const answer = 'HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n';
    if (socket.writable) socket.end(answer, () => socket.destroy());
    else socket.destroy();
  });
  await listen(server, place.listen);
  await chmod(place.listen, 0o660);

  let stopped = false;
  const stop = async (): Promise<void> => {
    if (stopped) return;
    stopped = true;
    // close() also unlinks the file.
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  };
  return { path: place.listen, stop, [Symbol.asyncDispose]: stop };
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
  openStream: () => () => void,
): Promise<void> {
  const address = request.url ?? '/';
  if (!URL.canParse(address, 'http://roomkin')) throw fail('USAGE', `${oneLine(address, 60)} is not a valid address`);
  const { pathname, searchParams } = new URL(address, 'http://roomkin');
  switch (`${request.method} ${pathname}`) {
    case 'GET /status':
      return answerJson(response, 200, await handlers.status());
    case 'GET /why':
      return answerJson(response, 200, await handlers.why(lastOf(searchParams)));
    case 'POST /pause':
      await handlers.pause();
      return answerJson(response, 200, { recognition: 'off' });
    case 'POST /resume':
      await handlers.resume();
      return answerJson(response, 200, { recognition: 'on' });
    case 'GET /watch':
      return answerStream(response, handlers.watch, openStream);
    case 'GET /live':
      return answerStream(response, handlers.live, openStream);
    default: {
      const line = oneLine(`${request.method} ${request.url}`, 60);
      const known = 'GET /status, /why?last=N, /watch, /live; POST /pause, /resume';
      throw fail('REQUEST_UNKNOWN', `${line} is not a known request, only ${known}`);
    }
  }
}

function lastOf(parameters: URLSearchParams): number {
  const text = parameters.get('last') ?? '10';
  const last = Number(text);
  if (!/^\d{1,4}$/.test(text) || last < 1 || last > maxObservations)
    throw fail('USAGE', `last takes a whole number from 1 to ${maxObservations}`);
  return last;
}

function answerJson(response: ServerResponse, status: number, body: unknown): void {
  const text = `${printableJson(body)}\n`;
  response.writeHead(status, { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** Writes one JSON object per line until the client leaves. */
function answerStream<Update>(
  response: ServerResponse,
  subscribe: (send: (update: Update) => void) => () => void,
  openStream: () => () => void,
): void {
  const closeStream = openStream();
  let unsubscribe = (): void => {};
  response.once('close', () => {
    closeStream();
    unsubscribe();
  });
  response.on('error', () => response.destroy());
  response.writeHead(200, { 'content-type': 'application/x-ndjson' });
  response.flushHeaders();
  unsubscribe = subscribe((update) => {
    if (response.writableLength > maxUnreadBytes) response.destroy();
    else if (response.writable) response.write(`${printableJson(update)}\n`);
  });
}

function answerError(response: ServerResponse, error: unknown, log: Log): void {
  if (response.destroyed) return;
  if (response.headersSent) return void response.destroy();
  let body: ControlError;
  if (error instanceof RoomkinError) body = { code: error.code, message: error.message };
  else {
    log('error', `control socket: ${sentenceOf(error)}`);
    body = { code: 'INTERNAL', message: 'the daemon could not answer: its log says why (journalctl -u roomkin)' };
  }
  const status = { USAGE: 400, REQUEST_UNKNOWN: 404, DAEMON_BUSY: 503 }[body.code as string] ?? 500;
  answerJson(response, status, body);
}

/** Throws DAEMON_RUNNING if a daemon answers on `path` within 2 s. */
async function refuseIfAlive(path: string): Promise<void> {
  const isAlive = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.setTimeout(2000, () => socket.destroy());
    socket.once('connect', () => resolve(true));
    socket.once('close', () => resolve(false));
    socket.on('error', () => socket.destroy());
    socket.once('connect', () => socket.destroy());
  });
  if (!isAlive) return;
  throw fail(
    'DAEMON_RUNNING',
    `a roomkin daemon already runs for this room (it answers on ${path}): stop it first, or give this one another room.id`,
  );
}

/** Removes the socket file of a dead daemon. Two daemons that start at once must not remove each other's file. */
async function removeStale(path: string): Promise<void> {
  const file = await stat(path).catch(() => null);
  if (file === null) return;
  if (!file.isSocket())
    throw fail('CONFIG_INVALID', `${path} is in the way of the control socket and is not a socket: move it away`);
  await refuseIfAlive(path);
  const aside = `${path}.${process.pid}`;
  await rename(path, aside);
  if ((await stat(aside)).ino !== file.ino) {
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
      else reject(fail('CONFIG_INVALID', `cannot create the control socket ${path}: ${error.message}`, error));
    });
    // bind(2) happens inside listen(). With this mask the mode of the file never exceeds 0660.
    const mask = process.umask(0o117);
    try {
      server.listen(path, resolve);
    } finally {
      process.umask(mask);
    }
  });
}
