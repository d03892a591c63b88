// The server of the control socket. Owner and group may open it. Connections, bytes and times are limited for every client, and streams
// never use up the connections of short requests. An error of a handler is answered and never fatal.
import { chmod, mkdir, rename, stat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fail, oneLine, RoomkinError, sentenceOf } from '../base/errors.js';
import type { Log } from '../base/log.js';
import { printableJson } from '../base/printable.js';
import type { EngineInfo } from '../engine/engine.js';
import type { ExplainedObservation } from '../journal/journal.js';
import type { Work } from '../reports/report.js';
import { type ReportName, reports } from '../reports/reports.js';
import type { Frame } from '../vision/picture.js';
import type { SocketPath } from './path.js';
import { createPhotoPlace, type PhotoAnswer, type PhotoPlace, type PhotoRequest, receivePhoto } from './photo.js';
import {
  type CameraView,
  type ControlError,
  type DaemonStatus,
  type FacePictureAnswer,
  type LiveUpdate,
  maxObservations,
  type PictureUpdate,
  type WatchUpdate,
} from './protocol.js';

/** The most simultaneous streams; the other connections stay free for short requests. */
const maxStreams = 12;
const maxConnections = 32;
/** A client that has not sent its request within this time is disconnected. */
const requestWithinMs = 5000;
/** Longest head of a request. */
const maxHeadBytes = 4096;
/** Longest body of a request: 200 embeddings for `identify` take 300 KiB. Only reports that are asked for with POST have one. */
const maxBodyBytes = 1 << 20;
/** The most reports that are made at once; each may take seconds of the processor. */
const maxReports = 4;
/** A stream is closed when this much is unread by its client. */
const maxUnreadBytes = 256 * 1024;

const streamType = 'application/x-ndjson';

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
  /** The next analysed frame with its faces. Errors: CAMERA_FORBIDDEN, CAMERA_BLIND. */
  look(signal: AbortSignal): Promise<CameraView>;
  /** Has pictures of faces made and calls `send` with each change of their list, until the returned function is called. */
  pictures(send: (update: PictureUpdate) => void): () => void;
  /** The picture of the face of a track. */
  picture(track: number): FacePictureAnswer;
  /** The models that are loaded. */
  engine(): EngineInfo | Promise<EngineInfo>;
  /** The faces of a photo, also while recognition is switched off: it does not come from the camera. Errors: ENGINE_FAILED. */
  analyze(photo: Frame, request: PhotoRequest, work: Work): Promise<PhotoAnswer>;
  /** The report `name`. `given` was sent by a client and is not checked yet. Errors: USAGE, and those of the report. */
  report(name: ReportName, given: unknown, work: Work): Promise<unknown>;
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
  /** Where the daemon holds a photo; the next one is not even read. Default: this socket has its own. */
  readonly photos?: PhotoPlace;
}): Promise<Control> {
  const { place, handlers, log, photos = createPhotoPlace() } = options;
  for (const path of place.connect) await refuseIfAlive(path);
  await mkdir(dirname(place.listen), { recursive: true, mode: 0o700 });
  await removeStale(place.listen);

  const limits = { maxHeaderSize: maxHeadBytes, headersTimeout: requestWithinMs, requestTimeout: requestWithinMs };
  const server = createServer({ ...limits, connectionsCheckingInterval: 1000 });
  server.maxConnections = maxConnections;
  let streams = 0;
  let openReports = 0;
  const openReport = (): Disposable => {
    if (openReports >= maxReports)
      throw fail('DAEMON_BUSY', `the daemon answers ${maxReports} other questions at the moment: try again`);
    openReports += 1;
    return {
      [Symbol.dispose]() {
        openReports -= 1;
      },
    };
  };
  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    // One request per connection, because an idle connection would use up one of the limited connections.
    response.shouldKeepAlive = false;
    const name = reportOf(request);
    const isPhoto = request.method === 'POST' && request.url?.startsWith('/analyze?') === true;
    if (name === null && !isPhoto) request.resume();
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
    const answered = isPhoto
      ? answerPhoto(request, response, handlers, photos)
      : name === null
        ? answer(request, response, handlers, openStream, openReport)
        : answerReport(name, request, response, handlers, openReport);
    answered.catch((error: unknown) => answerError(response, error, log));
  };
  server.on('request', serve);
  // A client with much to send asks first whether it may.
  server.on('checkContinue', serve);
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
  openReport: () => Disposable,
): Promise<void> {
  const address = request.url ?? '/';
  if (!URL.canParse(address, 'http://roomkin')) throw fail('USAGE', `${oneLine(address, 60)} is not a valid address`);
  const { pathname, searchParams } = new URL(address, 'http://roomkin');
  switch (`${request.method} ${pathname}`) {
    case 'GET /status':
      return answerJson(response, 200, await handlers.status());
    case 'GET /engine':
      return answerJson(response, 200, await handlers.engine());
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
    case 'GET /pictures':
      return answerStream(response, handlers.pictures, openStream);
    case 'GET /picture':
      return answerJson(response, 200, handlers.picture(trackOf(searchParams)));
    case 'GET /look': {
      using _open = openReport();
      const left = new AbortController();
      response.once('close', () => left.abort());
      return answerJson(response, 200, await handlers.look(left.signal));
    }
    default: {
      const line = oneLine(`${request.method} ${request.url}`, 60);
      const named = (method: string): string =>
        Object.entries(reports)
          .flatMap(([name, report]) => (report.method === method ? [`/${name}`] : []))
          .join(', ');
      const known = `GET /status, /engine, /why?last=N, /watch, /live, /look, /pictures, /picture?track=N, ${named('GET')}; POST /pause, /resume, /analyze, ${named('POST')}`;
      throw fail('REQUEST_UNKNOWN', `${line} is not a known request, only ${known}`);
    }
  }
}

/** The report that is asked for; null for every other request. */
function reportOf({ method, url = '/' }: IncomingMessage): ReportName | null {
  if (!URL.canParse(url, 'http://roomkin')) return null;
  const name = new URL(url, 'http://roomkin').pathname.slice(1);
  return Object.hasOwn(reports, name) && reports[name as ReportName].method === method ? (name as ReportName) : null;
}

/** Answers with the report. */
async function answerReport(
  name: ReportName,
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
  openReport: () => Disposable,
): Promise<void> {
  const given =
    reports[name].method === 'POST'
      ? await bodyOf(request, response)
      : Object.fromEntries(new URL(request.url ?? '/', 'http://roomkin').searchParams);
  request.resume();
  using _open = openReport();
  await answerWork(request, response, (work) => handlers.report(name, given, work));
}

/** Answers with the faces of the photo in the body. */
async function answerPhoto(
  request: IncomingMessage,
  response: ServerResponse,
  handlers: ControlHandlers,
  photos: PhotoPlace,
): Promise<void> {
  let taken: Disposable;
  try {
    taken = photos.take();
  } catch (error) {
    // The bytes that the client has begun to send are thrown away, so that it gets the answer.
    request.resume();
    throw error;
  }
  using _taken = taken;
  takeBody(request, response);
  const { searchParams } = new URL(request.url ?? '/', 'http://roomkin');
  const received = await receivePhoto(searchParams, request).finally(() => request.resume());
  await answerWork(request, response, (work) => handlers.analyze(received.photo, received.request, work));
}

/** Answers with the result of `make`: as one document, or, where the client accepts lines of JSON, with its progress before. */
async function answerWork(
  request: IncomingMessage,
  response: ServerResponse,
  make: (work: Work) => Promise<unknown>,
): Promise<void> {
  const left = new AbortController();
  response.once('close', () => left.abort());
  const inLines = request.headers.accept === streamType;
  const work: Work = {
    signal: left.signal,
    progress(text) {
      if (!inLines || !response.writable) return;
      if (!response.headersSent) response.writeHead(200, { 'content-type': streamType });
      response.write(`${printableJson({ type: 'progress', text })}\n`);
    },
  };
  try {
    const result = await make(work);
    if (!inLines) return answerJson(response, 200, result);
    if (!response.headersSent) response.writeHead(200, { 'content-type': streamType });
    response.end(`${printableJson({ type: 'result', result })}\n`);
  } catch (error) {
    if (left.signal.aborted) return;
    if (!response.headersSent || !(error instanceof RoomkinError)) throw error;
    response.end(`${printableJson({ type: 'error', code: error.code, message: error.message })}\n`);
  }
}

/** Tells a client that waits for it to send its body. */
function takeBody(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.expect !== undefined) response.writeContinue();
}

/** The JSON body of a request. Errors: USAGE. */
async function bodyOf(request: IncomingMessage, response: ServerResponse): Promise<unknown> {
  takeBody(request, response);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > maxBodyBytes) throw fail('USAGE', `the body of a request has at most ${maxBodyBytes >> 20} MiB`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw fail('USAGE', 'the body of the request is not JSON');
  }
}

function lastOf(parameters: URLSearchParams): number {
  const text = parameters.get('last') ?? '10';
  const last = Number(text);
  if (!/^\d{1,4}$/.test(text) || last < 1 || last > maxObservations)
    throw fail('USAGE', `last takes a whole number from 1 to ${maxObservations}`);
  return last;
}

function trackOf(parameters: URLSearchParams): number {
  const text = parameters.get('track') ?? '';
  if (!/^\d{1,12}$/.test(text)) throw fail('USAGE', 'track takes a whole number');
  return Number(text);
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
  response.writeHead(200, { 'content-type': streamType });
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
